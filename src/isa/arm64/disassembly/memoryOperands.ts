import type { FieldReader, OperandRenderer } from "../../assembly.ts";
import { xRegister } from "./generalRegisters.ts";
import { signed } from "./immediates.ts";
import { arrangement, elementLetter, registerList } from "./vectorRegisters.ts";

/** An offset that is left out when zero. */
const offset = (value: number) => (value === 0 ? "" : `#${value}`);
/** A write-back amount, printed always. */
const amount = (value: number) => `#${value}`;

/** log2 of the bytes a SIMD&FP load or store moves. */
const vectorScale = (field: FieldReader) => (field("opc") >= 2 ? 4 : field("size"));
const imm7 = (field: FieldReader, bytes: number) => signed(field("imm7"), 7) * bytes;
const registerBytes = (field: FieldReader) => (field("sf") === 1 ? 8 : 4);

/** LSL, UXTW, SXTW or SXTX of an offset register, scaled by the access when `S` is set. */
function offsetExtend(field: FieldReader, scale: number): string {
  const names: Readonly<Record<number, string>> = { 2: "uxtw", 3: "lsl", 6: "sxtw", 7: "sxtx" };
  const name = names[field("option")] ?? "";
  if (field("S") === 1) return `${name} #${scale}`;
  return name === "lsl" ? "" : name;
}

const prefetchTypes = ["pld", "pli", "pst"] as const;

/** PRFM's operation from `Rt`: type, cache level, policy; the unallocated ones by number. Arm ARM C6.2.211. */
function prefetchOperation(operation: number): string {
  const type = prefetchTypes[operation >> 3];
  const level = (operation >> 1) & 3;
  if (type === undefined || level === 3) return `#${operation}`;
  return `${type}l${level + 1}${operation & 1 ? "strm" : "keep"}`;
}

/** Registers of LD1 and ST1 (multiple structures) by `opcode`. */
const listLengths: Readonly<Record<number, number>> = { 2: 4, 6: 3, 7: 1, 10: 2 };
const listLength = (field: FieldReader) => listLengths[field("opcode")] ?? 0;

const listOf =
  (count: (field: FieldReader) => number): OperandRenderer =>
  (field) =>
    registerList(field("Rt"), count(field), arrangement(field("size"), field("Q") === 1));

/** One element of each register; the index is Q:S:size without the bits below the element. */
const laneOf =
  (count: number): OperandRenderer =>
  (field) => {
    const log2 = laneSize(field);
    const index = (field("Q") * 8 + field("S") * 4 + field("size")) >> log2;
    return `${registerList(field("Rt"), count, elementLetter(log2))}[${index}]`;
  };

/** The 64-bit elements share `scale` 2 with the 32-bit ones and have `size` 1. */
const laneSize = (field: FieldReader) => (field("scale") === 2 && field("size") === 1 ? 3 : field("scale"));

/** Post-index by register, or by the bytes moved when `Rm` is 31. */
const postIndex =
  (bytes: (field: FieldReader) => number): OperandRenderer =>
  (field) =>
    field("Rm") === 31 ? amount(bytes(field)) : xRegister(field("Rm"));

const listBytes = (count: (field: FieldReader) => number) =>
  postIndex((field) => count(field) * (field("Q") === 1 ? 16 : 8));

/** Renderers of addresses, prefetch operations, structure lists and the letters in load/store mnemonics. */
export const memoryOperands: Readonly<Record<string, OperandRenderer>> = {
  imm9: (field) => offset(signed(field("imm9"), 9)),
  "imm9!": (field) => amount(signed(field("imm9"), 9)),
  pimm: (field) => offset(field("imm12") << field("size")),
  pimm8: (field) => offset(field("imm12") << 3),
  pimmV: (field) => offset(field("imm12") << vectorScale(field)),
  imm7: (field) => offset(imm7(field, registerBytes(field))),
  "imm7!": (field) => amount(imm7(field, registerBytes(field))),
  imm7sw: (field) => offset(imm7(field, 4)),
  "imm7sw!": (field) => amount(imm7(field, 4)),
  imm7V: (field) => offset(imm7(field, 4 << field("opc"))),
  "imm7V!": (field) => amount(imm7(field, 4 << field("opc"))),
  offsetExtend: (field) => offsetExtend(field, field("size")),
  offsetExtend8: (field) => offsetExtend(field, 3),
  offsetExtendV: (field) => offsetExtend(field, vectorScale(field)),
  prfop: (field) => prefetchOperation(field("Rt")),

  bh: (field) => ["b", "h", "", ""][field("size")] ?? "",
  bhw: (field) => ["b", "h", "w"][field("size")] ?? "",
  bhwx: (field) => ["b", "h", "w", "x"][field("sz")] ?? "",
  order: (field) => (field("A") ? "a" : "") + (field("R") ? "l" : ""),
  storeOrder: (field) => (field("R") ? "l" : ""),
  casOrder: (field) => (field("L") ? "a" : "") + (field("o0") ? "l" : ""),
  "2": (field) => (field("Q") ? "2" : ""),

  "list.T": listOf(listLength),
  "list1.T": listOf(() => 1),
  "list2.T": listOf(() => 2),
  "list3.T": listOf(() => 3),
  "list4.T": listOf(() => 4),
  lane1: laneOf(1),
  lane2: laneOf(2),
  lane3: laneOf(3),
  lane4: laneOf(4),
  postMultiple: listBytes(listLength),
  postMultiple2: listBytes(() => 2),
  postMultiple3: listBytes(() => 3),
  postMultiple4: listBytes(() => 4),
  postSingle1: postIndex((field) => 1 << laneSize(field)),
  postSingle2: postIndex((field) => 2 << laneSize(field)),
  postSingle3: postIndex((field) => 3 << laneSize(field)),
  postSingle4: postIndex((field) => 4 << laneSize(field)),
  postReplicate1: postIndex((field) => 1 << field("size")),
  postReplicate2: postIndex((field) => 2 << field("size")),
  postReplicate3: postIndex((field) => 3 << field("size")),
  postReplicate4: postIndex((field) => 4 << field("size")),
  table: (field) => registerList(field("Rn"), field("len") + 1, "16b"),
};
