import type { FeatureDescription, RegisterType, TypeField } from "../architecture.ts";
import { ARM64_REGNUM } from "./core.ts";

function vector(id: string, element: string, count: number): RegisterType {
  return { kind: "vector", id, element, count };
}

function union(id: string, members: Readonly<Record<string, string>>): RegisterType {
  const fields: TypeField[] = Object.entries(members).map(([name, type]) => ({ name, type }));
  return { kind: "union", id, fields };
}

/** The views of a V register: by lane width (d, s, h, b, q) and lane type (f, u, s). */
const TYPES: readonly RegisterType[] = [
  vector("v2d", "ieee_double", 2),
  vector("v2u", "uint64", 2),
  vector("v2i", "int64", 2),
  vector("v4f", "ieee_single", 4),
  vector("v4u", "uint32", 4),
  vector("v4i", "int32", 4),
  vector("v8f", "ieee_half", 8),
  vector("v8u", "uint16", 8),
  vector("v8i", "int16", 8),
  vector("v8bf16", "bfloat16", 8),
  vector("v16u", "uint8", 16),
  vector("v16i", "int8", 16),
  vector("v1u", "uint128", 1),
  vector("v1i", "int128", 1),
  union("vnd", { f: "v2d", u: "v2u", s: "v2i" }),
  union("vns", { f: "v4f", u: "v4u", s: "v4i" }),
  union("vnh", { bf: "v8bf16", f: "v8f", u: "v8u", s: "v8i" }),
  union("vnb", { u: "v16u", s: "v16i" }),
  union("vnq", { u: "v1u", s: "v1i" }),
  union("aarch64v", { d: "vnd", s: "vns", h: "vnh", b: "vnb", q: "vnq" }),
  {
    // Arm ARM C5.2.10 (FPSR).
    kind: "flags",
    id: "fpsr_flags",
    bytes: 4,
    fields: [
      { name: "IOC", start: 0, end: 0 },
      { name: "DZC", start: 1, end: 1 },
      { name: "OFC", start: 2, end: 2 },
      { name: "UFC", start: 3, end: 3 },
      { name: "IXC", start: 4, end: 4 },
      { name: "IDC", start: 7, end: 7 },
      { name: "QC", start: 27, end: 27 },
    ],
  },
  {
    // Arm ARM C5.2.8 (FPCR).
    kind: "flags",
    id: "fpcr_flags",
    bytes: 4,
    fields: [
      { name: "FIZ", start: 0, end: 0 },
      { name: "AH", start: 1, end: 1 },
      { name: "NEP", start: 2, end: 2 },
      { name: "IOE", start: 8, end: 8 },
      { name: "DZE", start: 9, end: 9 },
      { name: "OFE", start: 10, end: 10 },
      { name: "UFE", start: 11, end: 11 },
      { name: "IXE", start: 12, end: 12 },
      { name: "EBF", start: 13, end: 13 },
      { name: "IDE", start: 15, end: 15 },
      { name: "Len", start: 16, end: 18 },
      { name: "FZ16", start: 19, end: 19 },
      { name: "Stride", start: 20, end: 21 },
      { name: "RMode", start: 22, end: 23 },
      { name: "FZ", start: 24, end: 24 },
      { name: "DN", start: 25, end: 25 },
      { name: "AHP", start: 26, end: 26 },
    ],
  },
];

/** v0–v31, fpsr and fpcr. Not in the `g` packet: most stops do not need them. DWARF numbers: AADWARF64 4.1. */
export const ARM64_FPU: FeatureDescription = {
  name: "org.gnu.gdb.aarch64.fpu",
  annex: "aarch64-fpu.xml",
  title: "Floating Point Registers",
  general: false,
  types: TYPES,
  registers: [
    ...Array.from({ length: 32 }, (_, index) => ({
      name: `v${index}`,
      regnum: ARM64_REGNUM.v0 + index,
      bits: 128,
      type: "aarch64v",
      dwarf: 64 + index,
    })),
    { name: "fpsr", regnum: ARM64_REGNUM.fpsr, bits: 32, type: "fpsr_flags", group: "float" },
    { name: "fpcr", regnum: ARM64_REGNUM.fpcr, bits: 32, type: "fpcr_flags", group: "float" },
  ],
};
