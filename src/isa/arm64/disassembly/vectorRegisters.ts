import type { FieldReader, OperandRenderer } from "../../assembly.ts";

const widths = "bhsdq";

/** The letter of an element of 8 << log2 bits. */
export function elementLetter(log2: number): string {
  return widths.charAt(log2);
}

/** An arrangement such as `8h`: elements of 8 << log2 bits in a register of 64 or 128 bits. */
export function arrangement(log2: number, full: boolean): string {
  return `${(full ? 16 : 8) >> log2}${elementLetter(log2)}`;
}

/** The element size DUP, INS, SMOV and UMOV write as the lowest set bit of `imm5`. */
export function imm5Size(field: FieldReader): number {
  return 31 - Math.clz32(field("imm5") & -field("imm5"));
}

/** The element size the shifts write as the highest set bit of `immh`. */
export function immhSize(field: FieldReader): number {
  return 31 - Math.clz32(field("immh"));
}

/** FP types by `ftype` or FCVT's `opc`. */
const floatTypes = ["s", "d", "", "h"] as const;
const isFull = (field: FieldReader) => field("Q") === 1;

const arrangements: Readonly<Record<string, (field: FieldReader) => string>> = {
  T: (field) => arrangement(field("size"), isFull(field)),
  Ta: (field) => arrangement(field("size") + 1, true),
  Tp: (field) => arrangement(field("size") + 1, isFull(field)),
  Tf: (field) => arrangement(2 + field("sz"), isFull(field)),
  Tfn: (field) => arrangement(1 + field("sz"), isFull(field)),
  Tfw: (field) => arrangement(2 + field("sz"), true),
  Tdup: (field) => arrangement(imm5Size(field), isFull(field)),
  Tsh: (field) => arrangement(immhSize(field), isFull(field)),
  Tshw: (field) => arrangement(immhSize(field) + 1, true),
  B: (field) => arrangement(0, isFull(field)),
  S: (field) => arrangement(2, isFull(field)),
  D: (field) => arrangement(3, isFull(field)),
  fpmod: (field) => arrangement(2 + field("op"), isFull(field)),
  pairfp: (field) => arrangement(2 + field("sz"), field("sz") === 1),
  "16B": () => "16b",
  "4S": () => "4s",
  "2D": () => "2d",
  "1Q": () => "1q",
};

const scalars: Readonly<Record<string, (field: FieldReader) => string>> = {
  ftype: (field) => floatTypes[field("ftype")] ?? "",
  opc: (field) => floatTypes[field("opc")] ?? "",
  size: (field) => elementLetter(field("opc") >= 2 ? 4 : field("size")),
  pair: (field) => elementLetter(2 + field("opc")),
  elem: (field) => elementLetter(field("size")),
  wide: (field) => elementLetter(field("size") + 1),
  fp: (field) => elementLetter(2 + field("sz")),
  imm5: (field) => elementLetter(imm5Size(field)),
  immh: (field) => elementLetter(immhSize(field)),
  immhw: (field) => elementLetter(immhSize(field) + 1),
};

/** One element of a vector: letter and index. */
const elements: Readonly<Record<string, (field: FieldReader) => string>> = {
  imm5: (field) => `${elementLetter(imm5Size(field))}[${field("imm5") >> (imm5Size(field) + 1)}]`,
  imm4: (field) => `${elementLetter(imm5Size(field))}[${field("imm4") >> imm5Size(field)}]`,
};

const fields: Readonly<Record<string, string>> = { d: "Rd", n: "Rn", m: "Rm", a: "Ra", t: "Rt", t2: "Rt2" };
const vectorToken = /^V(d|n|m|a|t2|t)(?:\.(\w+)|\[(\w+)\])$/;
const scalarToken = /^([BHSDQ])(d|n|m|a|t2|t)$/;

/**
 * Renders SIMD&FP registers: `<Sd>` of a fixed width, `<Vd.suffix>` whose arrangement or width a field
 * decides, `<Vn[imm5]>` for one element.
 */
export function vectorRegister(text: string): OperandRenderer | undefined {
  const [, width, scalarRole = ""] = scalarToken.exec(text) ?? [];
  const scalarField = fields[scalarRole];
  if (width !== undefined && scalarField !== undefined) {
    return (field) => `${width.toLowerCase()}${field(scalarField)}`;
  }
  const [, role = "", suffix = "", index] = vectorToken.exec(text) ?? [];
  const name = fields[role];
  if (name === undefined) return undefined;
  const special = specials[text];
  if (special !== undefined) return special;
  const element = index === undefined ? undefined : elements[index];
  if (element !== undefined) return (field) => `v${field(name)}.${element(field)}`;
  const arranged = arrangements[suffix];
  if (arranged !== undefined) return (field) => `v${field(name)}.${arranged(field)}`;
  const scalar = scalars[suffix];
  if (scalar !== undefined) return (field) => `${scalar(field)}${field(name)}`;
  return undefined;
}

const specials: Readonly<Record<string, OperandRenderer>> = {
  // 16-bit elements are indexed by H:L:M in V0 to V15, wider ones by H:L in any register. Arm ARM C7.2 "by element"
  "Vm[index]": (field) => {
    const pair = field("H") * 2 + field("L");
    return field("size") === 1
      ? `v${field("Rm")}.h[${pair * 2 + field("M")}]`
      : `v${field("M") * 16 + field("Rm")}.s[${pair}]`;
  },
  "Vm[findex]": (field) => {
    const register = field("M") * 16 + field("Rm");
    return field("sz") === 1
      ? `v${register}.d[${field("H")}]`
      : `v${register}.s[${field("H") * 2 + field("L")}]`;
  },
  // FMOV between a general-purpose register and S, D or the upper half of V
  "Vn.fmov": (field) => movedPart(field, "Rn"),
  "Vd.fmov": (field) => movedPart(field, "Rd"),
  "Vd.modimm": (field) => {
    const cmode = field("cmode");
    const full = isFull(field);
    if (cmode === 14 && field("op") === 1) return full ? `v${field("Rd")}.2d` : `d${field("Rd")}`;
    const log2 = cmode === 14 ? 0 : (cmode & 12) === 8 ? 1 : 2;
    return `v${field("Rd")}.${arrangement(log2, full)}`;
  },
};

function movedPart(field: FieldReader, register: string): string {
  if (field("rmode") === 1) return `v${field(register)}.d[1]`;
  return `${field("ftype") === 1 ? "d" : "s"}${field(register)}`;
}

/** `{ v0.8b, v1.8b }`: registers in a row, V0 following V31. */
export function registerList(first: number, count: number, suffix: string): string {
  const registers = Array.from({ length: count }, (_, index) => `v${(first + index) & 31}.${suffix}`);
  return `{ ${registers.join(", ")} }`;
}
