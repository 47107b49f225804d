import { describe, expect, test } from "vitest";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { arm64State } from "../../../../src/isa/arm64/state.ts";
import { Random } from "./random.ts";
import { pointRegisters, sequenceWord, warmTlb } from "./regionCases.ts";
import { type MachineSnapshot, RegionMachine } from "./regionMachine.ts";
import { layout, TestState } from "./state.ts";

const seed = Number(process.env["ISA_SEED"] ?? 1);
const sequences = Number(process.env["ISA_SEQUENCES"] ?? 600);
/** Branches back make a sequence long; it is left after as many regions. */
const regionsAtMost = 10;

const both = new RegionMachine(arm64InstructionSet());
const { machine } = both;
const state = new TestState();

/** What running one sequence came to. */
interface SequenceReport {
  readonly differences: readonly string[];
  readonly retired: number;
  readonly exits: readonly string[];
}

function start(random: Random): MachineSnapshot {
  state.randomize(random);
  pointRegisters(state, random);
  machine.take(state);
  // Inexact set: floating point needs the soft float less often.
  if (!random.oneIn(4)) machine.setFloatControl(0, 0x10);
  machine.setInt(arm64State.fpTrap.place.address, Number(random.oneIn(16)));
  machine.setInt(arm64State.el.place.address, Number(!random.oneIn(4)));
  machine.setInt(arm64State.spAlignmentCheck.place.address, Number(random.oneIn(8)));
  for (let i = 0; i < machine.memory.length; i++) machine.memory[i] = random.u32();
  warmTlb(machine, random);
  return both.snapshot();
}

/** Runs the words from the state: regions as far as they go, the interpreter for one instruction between them. */
function run(words: readonly number[], from: MachineSnapshot, random: Random): SequenceReport {
  both.restore(from);
  machine.fillTlb = !random.oneIn(4);
  machine.place(words);
  const exits: string[] = [];
  let retired = 0;
  for (let n = 0; n < regionsAtMost && machine.outcome.kind === "ok"; n++) {
    const index = Number((machine.pc - layout.code.address) / 4n);
    if (index < 0 || index >= words.length || machine.pc % 4n !== 0n) break;
    const [region] = both.compile([{ words, first: index }]);
    if (region === undefined) {
      machine.engine.run(1);
      exits.push("uncompiled");
      continue;
    }
    const count = random.oneIn(8) ? random.below(words.length) : words.length;
    const result = both.compare(region, count);
    exits.push(result.exit);
    retired += result.retired;
    if (result.differences.length > 0) {
      const where = `region at ${index} with ${region.length} instructions, ${result.exit} after ${result.retired}`;
      return { differences: [where, ...result.differences], retired, exits };
    }
    if (result.exit === "budget") machine.engine.run(1);
  }
  return { differences: [], retired, exits };
}

/** Leaves out instructions as long as the rest still fails. */
function shrink(words: readonly number[], fails: (words: readonly number[]) => boolean): readonly number[] {
  let smallest = words;
  for (let index = words.length - 1; index >= 0; index--) {
    const fewer = smallest.filter((_, i) => i !== index);
    if (fewer.length > 0 && fails(fewer)) smallest = fewer;
  }
  return smallest;
}

const runRandom = (n: number): Random => new Random(seed, `sequence ${n} run`);

function describeFailure(n: number, words: readonly number[], from: MachineSnapshot): string {
  const rerun = (fewer: readonly number[]) => run(fewer, from, runRandom(n));
  const smallest = shrink(words, (fewer) => rerun(fewer).differences.length > 0);
  const listing = smallest.map((word) => `    0x${word.toString(16).padStart(8, "0")} ${both.nameOf(word)}`);
  return [`ISA_SEED=${seed}, sequence ${n}:`, ...listing, ...rerun(smallest).differences].join("\n");
}

describe(`random sequences end in the same state in regions and interpreted (ISA_SEED=${seed})`, () => {
  test(`${sequences} sequences of 2 to 40 instructions`, () => {
    const counts = new Map<string, number>();
    let retired = 0;
    for (let n = 0; n < sequences; n++) {
      const random = new Random(seed, `sequence ${n}`);
      const mixture = random.oneIn(2) ? "calm" : "mixed";
      const words = Array.from({ length: 2 + random.below(39) }, () => sequenceWord(mixture, random));
      const from = start(random);
      const report = run(words, from, runRandom(n));
      expect(report.differences.length === 0 ? "" : describeFailure(n, words, from)).toBe("");
      for (const exit of report.exits) counts.set(exit, (counts.get(exit) ?? 0) + 1);
      retired += report.retired;
    }
    // Each way to leave is taken often, and regions get far enough to matter.
    for (const exit of ["left", "side", "budget"])
      expect(counts.get(exit) ?? 0, exit).toBeGreaterThan(sequences / 20);
    expect(retired).toBeGreaterThan(8 * sequences);
  });
});
