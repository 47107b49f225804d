import type { InstructionSet } from "../../../../src/engine/operation.ts";
import { a64Encodings } from "../../../../src/isa/arm64/decode.ts";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { type Encoding, extractFields } from "../../../../src/isa/encoding.ts";
import { UnicornArm64, type UnicornOutcome } from "../../../oracle/unicorn.ts";
import { type OurOutcome, TestMachine } from "./machine.ts";
import { Random } from "./random.ts";
import { dataWindows, layout, TestState } from "./state.ts";
import { type FieldChoice, randomWord } from "./words.ts";

/** The decoded fields of the instruction under test; throws when the form has no such field. */
export type Fields = (name: string) => number;

/** One A64 form to compare with Unicorn: which words, from which states, and where the two may differ. */
export interface DifferentialSpec {
  /** Name of the form in the decode tables. */
  readonly encoding: string;
  /** How to choose some of its fields; the others are any value, leaning to extremes. */
  readonly fields?: Readonly<Record<string, FieldChoice>>;
  /** Chooses the whole word instead. */
  readonly word?: (random: Random) => number;
  /** Why these words or states are not compared, by name and section of the Arm ARM; undefined: compare. */
  readonly leaveOut?: (f: Fields, state: TestState) => string | undefined;
  /** Changes the random starting state, e.g. points a base register at memory. */
  readonly arrange?: (state: TestState, f: Fields, random: Random) => void;
  /** Instructions that both CPUs execute first. */
  readonly before?: (f: Fields, random: Random) => readonly number[];
  /** Only operations whose name this accepts are reached (for instance those without a host call). */
  readonly operations?: (name: string) => boolean;
}

/** What comparing one form found. */
export interface DifferentialReport {
  readonly encoding: string;
  /** Cases compared, by operation. */
  readonly compared: ReadonlyMap<string, number>;
  /** Operations of the form that no word reached. */
  readonly unreached: readonly string[];
  /** Cases left out, by reason. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** Descriptions of the first cases that differ. */
  readonly differences: readonly string[];
  readonly differing: number;
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** What Unicorn reports for the exceptions that instructions raise with a host call. */
const expectedException: Readonly<Record<string, string>> = {
  supervisorCall: "SVC",
  hypervisorCall: "HVC",
  secureMonitorCall: "SMC",
  breakpointInstruction: "BKPT",
};

const describedDifferences = 4;

/** Runs cases on both CPUs. Close it when done. */
export class Differential {
  readonly machine: TestMachine;
  readonly #set: InstructionSet;
  readonly #unicorn: UnicornArm64;
  readonly #unicornX: Uint8Array;
  readonly #unicornV: Uint8Array;
  readonly #unicornMemory: readonly Uint8Array[];
  readonly #seed: number;
  readonly #state = new TestState();

  /** @param seed makes everything random repeatable */
  constructor(seed: number, set: InstructionSet = arm64InstructionSet()) {
    this.#seed = seed;
    this.#set = set;
    this.machine = new TestMachine(this.#set);
    this.#unicorn = new UnicornArm64({ code: layout.code, data: dataWindows });
    const { x, v } = this.#unicorn.registers;
    this.#unicornX = new Uint8Array(x.buffer, x.byteOffset, 31 * 8);
    this.#unicornV = new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
    this.#unicornMemory = dataWindows.map(({ address, size }) => this.#unicorn.memory(address, size));
    const random = new Random(seed, "memory");
    const { memory } = this.machine;
    for (let i = 0; i < memory.length; i++) memory[i] = random.below(256);
    this.#copyMemory();
  }

  close(): void {
    this.#unicorn.close();
  }

  /** Compares `cases` cases of each operation of the form. */
  check(spec: DifferentialSpec, cases: number): DifferentialReport {
    const encoding = a64Encodings.find(({ name }) => name === spec.encoding);
    if (encoding === undefined) throw new RangeError(`no A64 form ${spec.encoding}`);
    const random = new Random(this.#seed, spec.encoding);
    const operations = this.#operationsOf(spec);
    const compared = new Map(operations.map((name) => [name, 0]));
    const leftOut = new Map<string, number>();
    const differences: string[] = [];
    let differing = 0;
    let missing = operations.length;
    const tries = 2000 + cases * operations.length * 60;
    for (let i = 0; i < tries && missing > 0; i++) {
      const { word, fields } = this.#word(spec, encoding, random);
      const name = this.#operationName(word, encoding);
      const done = compared.get(name);
      if (done === undefined || done === cases) continue;
      const f: Fields = (field) => {
        const value = fields[field];
        if (value === undefined) throw new RangeError(`${encoding.name} has no field ${field}`);
        return value;
      };
      const state = this.#state;
      state.randomize(random);
      spec.arrange?.(state, f, random);
      const reason = spec.leaveOut?.(f, state);
      if (reason !== undefined) {
        leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
        continue;
      }
      this.machine.fillTlb = !random.oneIn(4);
      if (random.oneIn(8)) this.machine.flush(random.oneIn(2));
      const found = this.#compare([...(spec.before?.(f, random) ?? []), word]);
      compared.set(name, done + 1);
      if (done + 1 === cases) missing--;
      if (found.length === 0) continue;
      differing++;
      if (differences.length < describedDifferences)
        differences.push(
          `${name} ${hex(word)}: ${found.join("; ")}\n    from ${this.#describe(f, encoding)}`,
        );
    }
    const unreached = [...compared].filter(([, count]) => count === 0).map(([name]) => name);
    return { encoding: spec.encoding, compared, unreached, leftOut, differences, differing };
  }

  #word(spec: DifferentialSpec, encoding: Encoding, random: Random): ReturnType<typeof randomWord> {
    if (spec.word === undefined) return randomWord(encoding, spec.fields ?? {}, random);
    const word = spec.word(random) >>> 0;
    return { word, fields: extractFields(word, encoding.fields) };
  }

  /** Names of the operations a spec is meant to reach. */
  #operationsOf(spec: DifferentialSpec): readonly string[] {
    const { encoding } = spec;
    return this.#set.operations
      .map(({ name }) => name)
      .filter((name) => name === encoding || name.startsWith(`${encoding}.`))
      .filter((name) => spec.operations?.(name) ?? true);
  }

  #operationName(word: number, encoding: Encoding): string {
    const decoded = this.#set.decode(word);
    const name = decoded === undefined ? undefined : this.#set.operations[decoded.operation]?.name;
    if (name?.startsWith(encoding.name) !== true)
      throw new Error(`${hex(word)} of ${encoding.name} decodes as ${name}`);
    return name;
  }

  /** Runs both from the state; returns what differs. */
  #compare(words: readonly number[]): readonly string[] {
    const state = this.#state;
    const { machine } = this;
    const { registers } = this.#unicorn;
    machine.take(state);
    this.#unicornX.set(state.xBytes.subarray(0, 31 * 8));
    this.#unicornV.set(state.vBytes);
    registers.sp = state.x[31] ?? 0n;
    registers.nzcv = state.nzcv << 28;
    registers.fpcr = state.fpcr;
    registers.fpsr = state.fpsr;
    for (const { address, bytes } of state.patches) this.#unicorn.memory(address, bytes.length).set(bytes);
    const theirs = this.#unicorn.run(words);
    const ours = machine.run(words);
    return [...this.#compareOutcomes(ours, theirs), ...this.#compareState()];
  }

  #compareOutcomes(ours: OurOutcome, theirs: UnicornOutcome): readonly string[] {
    if (ours.kind === "ok" && theirs.kind === "ok") {
      const pc = BigInt.asUintN(64, theirs.pc);
      return this.machine.pc === pc ? [] : [`pc ours ${hex(this.machine.pc)}, Unicorn ${hex(pc)}`];
    }
    if (sameEnd(ours, theirs)) return [];
    return [`ended with ours ${show(ours)}, Unicorn ${show(theirs)}`];
  }

  #compareState(): readonly string[] {
    const found: string[] = [];
    const { machine } = this;
    const { registers } = this.#unicorn;
    const differ = (what: string, ours: bigint | number, theirs: bigint | number): void => {
      if (ours !== theirs) found.push(`${what} ours ${hex(ours)}, Unicorn ${hex(theirs)}`);
    };
    if (Buffer.compare(machine.xBytes.subarray(0, 31 * 8), this.#unicornX) !== 0) {
      const x = new DataView(machine.xBytes.buffer, machine.xBytes.byteOffset);
      for (let n = 0; n < 31; n++) differ(`x${n}`, x.getBigUint64(8 * n, true), registers.x[n] ?? 0n);
    }
    if (Buffer.compare(machine.vBytes, this.#unicornV) !== 0) {
      const v = new DataView(machine.vBytes.buffer, machine.vBytes.byteOffset);
      const whole = (low: bigint, high: bigint): bigint => (high << 64n) | low;
      for (let n = 0; n < 32; n++) {
        const ours = whole(v.getBigUint64(16 * n, true), v.getBigUint64(16 * n + 8, true));
        differ(`v${n}`, ours, whole(registers.v[2 * n] ?? 0n, registers.v[2 * n + 1] ?? 0n));
      }
    }
    const sp = new DataView(machine.xBytes.buffer, machine.xBytes.byteOffset).getBigUint64(31 * 8, true);
    differ("sp", sp, registers.sp);
    differ("nzcv", machine.nzcv, registers.nzcv >>> 28);
    differ("fpcr", machine.fpcr, registers.fpcr);
    differ("fpsr", machine.fpsr, registers.fpsr);
    let begin = 0;
    for (const theirs of this.#unicornMemory) {
      const ours = machine.memory.subarray(begin, begin + theirs.length);
      if (Buffer.compare(ours, theirs) !== 0) {
        const first = ours.findIndex((byte, i) => byte !== theirs[i]);
        const length = Math.min(16, ours.length - first);
        const text = (bytes: Uint8Array): string =>
          Buffer.from(bytes.subarray(first, first + length)).toString("hex");
        found.push(`memory at ${hex(begin + first)} ours ${text(ours)}, Unicorn ${text(theirs)}`);
        this.#copyMemory();
      }
      begin += theirs.length;
    }
    return found;
  }

  /** The starting values of what the instruction names. */
  #describe(f: Fields, encoding: Encoding): string {
    const state = this.#state;
    const parts = [`nzcv ${hex(state.nzcv)}`, `fpcr ${hex(state.fpcr)}`, `fpsr ${hex(state.fpsr)}`];
    const numbers = encoding.fields.filter(({ name }) => /^R[a-z]2?$/.test(name)).map(({ name }) => f(name));
    for (const n of new Set(numbers)) {
      parts.push(`${n === 31 ? "sp" : `x${n}`} ${hex(state.x[n] ?? 0n)}`);
      parts.push(`v${n} ${hex(((state.v[2 * n + 1] ?? 0n) << 64n) | (state.v[2 * n] ?? 0n))}`);
    }
    return parts.join(", ");
  }

  #copyMemory(): void {
    let begin = 0;
    for (const theirs of this.#unicornMemory) {
      theirs.set(this.machine.memory.subarray(begin, begin + theirs.length));
      begin += theirs.length;
    }
  }
}

function sameEnd(ours: OurOutcome, theirs: UnicornOutcome): boolean {
  switch (ours.kind) {
    case "ok":
      return false;
    case "memory":
      return theirs.kind === "memory" && theirs.access === ours.access;
    case "alignment":
      return theirs.kind === "exception" && theirs.name === "DATA_ABORT";
    case "call":
      if (ours.name === "undefinedInstruction") return theirs.kind === "undefined";
      return theirs.kind === "exception" && theirs.name === expectedException[ours.name];
  }
}

function show(outcome: OurOutcome | UnicornOutcome): string {
  return JSON.stringify(outcome, (_key, value: unknown) => (typeof value === "bigint" ? hex(value) : value));
}
