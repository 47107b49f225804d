import type { ArchitectureDescription, RegisterType } from "../architecture.ts";
import { ARM64_CORE, ARM64_REGNUM } from "./core.ts";
import { ARM64_FPU } from "./fpu.ts";
import { arm64SystemFeature, type SystemRegister } from "./system.ts";

/**
 * The arm64 description of a target that has these system registers (none: the feature is left out).
 * Their protocol numbers follow from their order, see {@link arm64SystemFeature}.
 */
export function arm64Architecture(
  systemRegisters: readonly SystemRegister[] = [],
  systemTypes: readonly RegisterType[] = [],
): ArchitectureDescription {
  const system = systemRegisters.length > 0 ? [arm64SystemFeature(systemRegisters, systemTypes)] : [];
  return {
    name: "aarch64",
    triple: "aarch64-unknown-none",
    endian: "little",
    pointerBytes: 8,
    // Arm ARM D2.10: a watchpoint is taken before the access is done; gdb and LLDB step over it.
    watchpointsReported: "before",
    expedited: [ARM64_REGNUM.x29, ARM64_REGNUM.x30, ARM64_REGNUM.sp, ARM64_REGNUM.pc],
    features: [ARM64_CORE, ARM64_FPU, ...system],
  };
}
