import type { ArchitectureDescription, FeatureDescription } from "../architecture.ts";
import {
  avxFeature,
  coreFeature,
  segmentsFeature,
  sseFeature,
  systemFeature,
  WIDTH_32,
  WIDTH_64,
  type X86Width,
} from "./features.ts";

/** gdb's names of x86's descriptions: 64-bit, 32-bit and 16-bit code. */
export const X86_NAMES = ["i386:x86-64", "i386", "i8086"] as const;

/** One of them. */
export type X86Name = (typeof X86_NAMES)[number];

/** A system register as the target lists it. */
export interface X86SystemRegister {
  readonly name: string;
  readonly bits: number;
}

/** Room in a width's numbers for each feature. */
const OFFSET = { core: 0, sse: 0x40, avx: 0x60, segments: 0x80, system: 0x100 } as const;

/**
 * An x86 description. One for 64-bit registers serves in every mode, and stays as it is when the guest changes its mode; the others
 * are for a client that is to disassemble 16-bit and 32-bit code. Numbers of 64-bit and 32-bit registers differ.
 * @param system the target's system registers
 */
export function x86Architecture(
  name: X86Name,
  system: readonly X86SystemRegister[],
): ArchitectureDescription {
  const width: X86Width = name === "i386:x86-64" ? WIDTH_64 : WIDTH_32;
  const at = (feature: keyof typeof OFFSET): number => width.first + OFFSET[feature];
  const core = coreFeature(width, at("core"));
  const isBase = ({ name: each }: X86SystemRegister): boolean => each === "fs_base" || each === "gs_base";
  const features: readonly FeatureDescription[] = [
    core,
    sseFeature(width, at("sse")),
    avxFeature(width, at("avx")),
    ...(width.bits === 64 ? [segmentsFeature(at("segments"))] : []),
    systemFeature(width.bits === 64 ? system.filter((each) => !isBase(each)) : system, at("system")),
  ];
  const roles = new Set(["pc", "sp", "fp"]);
  return {
    name,
    triple: width.bits === 64 ? "x86_64-unknown-none" : "i386-unknown-none",
    endian: "little",
    pointerBytes: width.bits === 64 ? 8 : 4,
    // Intel SDM volume 3, 18.3.1.2: data breakpoints are traps.
    watchpointsReported: "after",
    expedited: core.registers
      .filter(({ generic }) => generic !== undefined && roles.has(generic))
      .map(({ regnum }) => regnum),
    features,
  };
}
