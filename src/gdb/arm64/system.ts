import type { FeatureDescription, RegisterType } from "../architecture.ts";
import { ARM64_FIRST_SYSTEM_REGNUM } from "./core.ts";

/** A system register as the target lists it. */
export interface SystemRegister {
  /** The architecture's name, such as `ESR_EL1`. */
  readonly name: string;
  readonly bits?: 32 | 64 | 128 | undefined;
  /** One of gdb's types or of `types`; left out: an unsigned integer of its size. */
  readonly type?: string | undefined;
}

/**
 * The feature of a target's system registers. The n-th of `registers` has the protocol number
 * {@link ARM64_FIRST_SYSTEM_REGNUM} + n. gdb shows them with `info registers system`; it never saves and restores
 * them around function calls.
 */
export function arm64SystemFeature(
  registers: readonly SystemRegister[],
  types: readonly RegisterType[] = [],
): FeatureDescription {
  return {
    name: "org.vmexit.arm64.system",
    annex: "aarch64-system.xml",
    title: "System Registers",
    general: false,
    types,
    registers: registers.map((register, index) => ({
      name: register.name,
      regnum: ARM64_FIRST_SYSTEM_REGNUM + index,
      bits: register.bits ?? 64,
      type: register.type ?? `uint${register.bits ?? 64}`,
      group: "system",
      saveRestore: false,
    })),
  };
}
