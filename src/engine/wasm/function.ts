import { type BlockType, ByteWriter } from "./bytes.ts";
import type { LaneOperatorName, LoadName, OperatorName, StoreName } from "./operators.ts";
import { laneOperators, loads, operators, stores } from "./operators.ts";
import { type Signature, type ValueType, valueTypeCode } from "./types.ts";

/**
 * One WebAssembly function body being written. Methods append one instruction each and are named after it;
 * labels are tracked as absolute depths, so a branch names the block it leaves rather than counting levels.
 */
export class FunctionWriter {
  readonly signature: Signature;
  readonly #code = new ByteWriter();
  readonly #locals: ValueType[] = [];
  readonly #free: Record<ValueType, number[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  #depth = 0;

  constructor(signature: Signature) {
    this.signature = signature;
  }

  get codeLength(): number {
    return this.#code.length;
  }

  /** A fresh or recycled local; its value is undefined until set. */
  takeLocal(type: ValueType): number {
    const recycled = this.#free[type].pop();
    if (recycled !== undefined) return recycled;
    this.#locals.push(type);
    return this.signature.params.length + this.#locals.length - 1;
  }

  /** Gives a local back for reuse by later code. */
  releaseLocal(type: ValueType, index: number): void {
    this.#free[type].push(index);
  }

  operator(name: OperatorName): void {
    this.#opcode(operators[name].code);
  }

  laneOperator(name: LaneOperatorName, lane: number): void {
    this.#opcode(laneOperators[name].code);
    this.#code.byte(lane);
  }

  /** `i8x16.shuffle` with its sixteen lane numbers (0–31). */
  shuffle(lanes: readonly number[]): void {
    this.#opcode(0xfd000d);
    for (const lane of lanes) this.#code.byte(lane);
  }

  /** A load with the given static offset; alignment is hinted as 1, guest addresses promise nothing. */
  load(name: LoadName, offset: number): void {
    this.#opcode(loads[name].code);
    this.#code.byte(0);
    this.#code.unsigned(offset);
  }

  store(name: StoreName, offset: number): void {
    this.#opcode(stores[name].code);
    this.#code.byte(0);
    this.#code.unsigned(offset);
  }

  i32(value: number): void {
    this.#code.byte(0x41);
    this.#code.signed(value);
  }

  i64(value: bigint): void {
    this.#code.byte(0x42);
    this.#code.signed64(value);
  }

  f32(bits: number): void {
    this.i32(bits);
    this.operator("f32.reinterpret_i32");
  }

  f64(bits: bigint): void {
    this.i64(bits);
    this.operator("f64.reinterpret_i64");
  }

  /** A v128 constant from its sixteen bytes, lowest first. */
  v128(bytes: Uint8Array): void {
    this.#opcode(0xfd000c);
    this.#code.raw(bytes);
  }

  get(local: number): void {
    this.#code.byte(0x20);
    this.#code.unsigned(local);
  }

  set(local: number): void {
    this.#code.byte(0x21);
    this.#code.unsigned(local);
  }

  tee(local: number): void {
    this.#code.byte(0x22);
    this.#code.unsigned(local);
  }

  drop(): void {
    this.#code.byte(0x1a);
  }

  /** `select` of the two values under the condition; typed form, so that it also serves v128. */
  select(type: ValueType): void {
    this.#code.byte(0x1c);
    this.#code.byte(1);
    this.#code.byte(valueTypeCode[type]);
  }

  /** Opens a block and returns its label for `branch`. */
  block(type: BlockType = "void"): number {
    return this.#open(0x02, type);
  }

  loop(type: BlockType = "void"): number {
    return this.#open(0x03, type);
  }

  if(type: BlockType = "void"): number {
    return this.#open(0x04, type);
  }

  else(): void {
    this.#code.byte(0x05);
  }

  end(): void {
    this.#depth--;
    this.#code.byte(0x0b);
  }

  branch(label: number): void {
    this.#code.byte(0x0c);
    this.#code.unsigned(this.#depth - label);
  }

  branchIf(label: number): void {
    this.#code.byte(0x0d);
    this.#code.unsigned(this.#depth - label);
  }

  branchTable(labels: readonly number[], otherwise: number): void {
    this.#code.byte(0x0e);
    this.#code.unsigned(labels.length);
    for (const label of labels) this.#code.unsigned(this.#depth - label);
    this.#code.unsigned(this.#depth - otherwise);
  }

  return(): void {
    this.#code.byte(0x0f);
  }

  unreachable(): void {
    this.#code.byte(0x00);
  }

  call(functionIndex: number): void {
    this.#code.byte(0x10);
    this.#code.unsigned(functionIndex);
  }

  callIndirect(typeIndex: number): void {
    this.#code.byte(0x11);
    this.#code.unsigned(typeIndex);
    this.#code.byte(0);
  }

  /** The code entry: size, run-length coded locals, body, `end`. WebAssembly Core 2.0, 5.5.13. */
  finish(): Uint8Array {
    const entry = new ByteWriter();
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    entry.unsigned(runs.length);
    for (const run of runs) {
      entry.unsigned(run.count);
      entry.byte(valueTypeCode[run.type]);
    }
    entry.raw(this.#code.view());
    entry.byte(0x0b);
    return entry.finish();
  }

  #open(opcode: number, type: BlockType): number {
    this.#code.byte(opcode);
    this.#code.byte(type === "void" ? 0x40 : valueTypeCode[type]);
    return ++this.#depth;
  }

  #opcode(code: number): void {
    if (code <= 0xff) {
      this.#code.byte(code);
      return;
    }
    const wide = code > 0xffff;
    this.#code.byte(wide ? code >>> 16 : code >>> 8);
    this.#code.unsigned(wide ? code & 0xffff : code & 0xff);
  }
}
