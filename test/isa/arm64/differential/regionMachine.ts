import { discardRegisterAddress, engineState, memoryMap, secondTlb } from "../../../../src/engine/layout.ts";
import type { InstructionSet } from "../../../../src/engine/operation.ts";
import { RegionCompiler } from "../../../../src/engine/region/compile.ts";
import {
  arm64State,
  generalRegisterAddress,
  vectorRegisterAddress,
} from "../../../../src/isa/arm64/state.ts";
import {
  compileCodes,
  instantiateCodes,
  type TestCode,
  type TestRegion,
} from "../../../engine/region/testRegion.ts";
import { TestMachine } from "./machine.ts";
import { layout } from "./state.ts";

/** What a region did, and how its state departs from the interpreter's after as many instructions. */
export interface RegionComparison {
  readonly exit: "budget" | "side" | "left";
  readonly retired: number;
  readonly differences: readonly string[];
}

/** Bytes of the machine that a test case starts from. */
export type MachineSnapshot = readonly Uint8Array[];

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Addresses of the state window that need not agree: bookkeeping of the back end, and what nobody reads. */
const incomparable: readonly (readonly [begin: number, bytes: number])[] = [
  [engineState.status.place.address, 4],
  [engineState.budget.place.address, 4],
  [discardRegisterAddress, 16],
];

/** The test machine with both back ends: regions, and the interpreter they are compared with. */
export class RegionMachine {
  readonly machine: TestMachine;
  readonly set: InstructionSet;
  readonly #compiler: RegionCompiler;
  /** The state window, the TLBs of both contexts at both levels, the data windows. */
  readonly #areas: readonly { readonly name: string; readonly bytes: Uint8Array }[];

  // Kept from case to case: a hundred thousand of them would be work for the garbage collector.
  readonly #before: MachineSnapshot;
  readonly #atExit: MachineSnapshot;
  readonly #afterStep: MachineSnapshot;

  constructor(set: InstructionSet) {
    this.set = set;
    this.machine = new TestMachine(set);
    const { memory } = this.machine.engine;
    this.#compiler = new RegionCompiler(set);
    const area = (name: string, begin: number, end: number) => ({
      name,
      bytes: memory.bytes.subarray(begin, end),
    });
    const { window, windowEnd, translations, translationBytes } = memoryMap;
    this.#areas = [
      area("state", window, windowEnd),
      area("first-level TLB", translations, translations + 2 * translationBytes),
      area("second-level TLB", memoryMap.secondTlb, memoryMap.secondTlb + 2 * secondTlb.bytes),
      { name: "memory", bytes: this.machine.memory },
    ];
    this.#before = this.snapshot();
    this.#atExit = this.snapshot();
    this.#afterStep = this.snapshot();
  }

  nameOf(word: number): string {
    const decoded = this.set.decode(word);
    return this.set.operations[decoded?.operation ?? this.set.undefinedOperation]?.name ?? "?";
  }

  /** Compiles regions, in one module; the words stand at the beginning of the code window. */
  compile(codes: readonly TestCode[]): readonly (TestRegion | undefined)[] {
    const compiled = compileCodes(this.#compiler, codes);
    return instantiateCodes(this.machine.engine.memory, compiled, codes, layout.code.address);
  }

  /** Copies the state to where it is kept, by default to a new place. */
  snapshot(
    into: MachineSnapshot = this.#areas.map(({ bytes }) => new Uint8Array(bytes.length)),
  ): MachineSnapshot {
    this.#areas.forEach(({ bytes }, i) => {
      into[i]?.set(bytes);
    });
    return into;
  }

  restore(snapshot: MachineSnapshot): void {
    this.#areas.forEach(({ bytes }, i) => {
      bytes.set(snapshot[i] ?? []);
    });
  }

  /**
   * Runs the region from the present state with a budget of `count`, then the interpreter from the same state for as many
   * instructions as the region retired: the states must agree. After a side exit the interpreter then takes one more step
   * from each of the two, to the same end. The machine is left in the state of the interpreter.
   */
  compare(region: TestRegion, count: number): RegionComparison {
    const { machine } = this;
    const { engine } = machine;
    const differences: string[] = [];
    const before = this.snapshot(this.#before);
    const { exit, retired } = region.run(count);
    const left = machine.getInt(engineState.budget.place.address);
    if (left !== count - retired) differences.push(`budget ${left} left of ${count}, ${retired} retired`);
    const atExit = this.snapshot(this.#atExit);
    const stepped = exit === "side" ? this.#step() : undefined;
    if (stepped !== undefined) this.snapshot(this.#afterStep);

    this.restore(before);
    const interpreted = engine.run(retired);
    if (interpreted.retired !== retired)
      differences.push(`the interpreter ${interpreted.exit} after ${interpreted.retired} of ${retired}`);
    // An instruction of several stores may have made the first ones; stepping it makes them again.
    differences.push(...this.#differences(atExit, stepped === undefined));
    if (stepped === undefined) return { exit, retired, differences };
    const step = this.#step();
    if (step !== stepped) differences.push(`stepped: region ${stepped}, interpreter ${step}`);
    differences.push(...this.#differences(this.#afterStep, true).map((text) => `stepped: ${text}`));
    return { exit, retired, differences };
  }

  /** Has the interpreter execute one instruction; says how it ended. */
  #step(): string {
    const { machine } = this;
    machine.clear();
    const { exit } = machine.engine.run(1);
    const end = [exit, machine.outcome, machine.calls];
    return JSON.stringify(end, (_key, value: unknown) => (typeof value === "bigint" ? hex(value) : value));
  }

  /** Where the present state departs from the one in the snapshot, which is the region's. */
  #differences(region: MachineSnapshot, withMemory: boolean): readonly string[] {
    return this.#areas.flatMap(({ name, bytes: ours }, i) => {
      if (name === "memory" && !withMemory) return [];
      const theirs = region[i] ?? new Uint8Array();
      if (name !== "state")
        return Buffer.compare(ours, theirs) === 0 ? [] : [describeBytes(name, theirs, ours)];
      for (const [begin, bytes] of incomparable) copyOver(ours, theirs, begin - memoryMap.window, bytes);
      return Buffer.compare(ours, theirs) === 0 ? [] : describeState(theirs, ours);
    });
  }
}

function copyOver(from: Uint8Array, to: Uint8Array, begin: number, bytes: number): void {
  to.set(from.subarray(begin, begin + bytes), begin);
}

function describeBytes(what: string, region: Uint8Array, interpreter: Uint8Array): string {
  const first = region.findIndex((byte, i) => byte !== interpreter[i]);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(first, first + 16)).toString("hex");
  return `${what} at ${hex(first)}: region ${text(region)}, interpreter ${text(interpreter)}`;
}

const fieldNames: ReadonlyMap<number, string> = new Map([
  ...Object.entries({ ...engineState, ...arm64State }).map(([name, { place }]): [number, string] => [
    place.address & ~7,
    name,
  ]),
  ...Array.from({ length: 31 }, (_, n): [number, string] => [generalRegisterAddress(n), `x${n}`]),
  ...Array.from({ length: 32 }, (_, n): [number, string] => [vectorRegisterAddress(n), `v${n} low`]),
  ...Array.from({ length: 32 }, (_, n): [number, string] => [vectorRegisterAddress(n) + 8, `v${n} high`]),
]);

function describeState(region: Uint8Array, interpreter: Uint8Array): readonly string[] {
  const views = [region, interpreter].map(
    (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  );
  const found: string[] = [];
  for (let offset = 0; offset < region.length; offset += 8) {
    const [ours = 0n, theirs = 0n] = views.map((view) => view.getBigUint64(offset, true));
    const address = memoryMap.window + offset;
    if (ours !== theirs)
      found.push(
        `${fieldNames.get(address) ?? hex(address)}: region ${hex(ours)}, interpreter ${hex(theirs)}`,
      );
  }
  return found;
}
