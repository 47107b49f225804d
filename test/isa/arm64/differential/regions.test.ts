import { describe, expect, test } from "vitest";
import { a64Encodings } from "../../../../src/isa/arm64/decode.ts";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { arm64State } from "../../../../src/isa/arm64/state.ts";
import type { Encoding } from "../../../../src/isa/encoding.ts";
import { extractFields } from "../../../../src/isa/encoding.ts";
import type { TestRegion } from "../../../engine/region/testRegion.ts";
import { dataAddress } from "./addresses.ts";
import { differentialCases, statedWords } from "./cases.ts";
import type { DifferentialSpec, Fields } from "./harness.ts";
import { Random } from "./random.ts";
import { warmTlb } from "./regionCases.ts";
import { RegionMachine } from "./regionMachine.ts";
import { TestState } from "./state.ts";
import { randomWord } from "./words.ts";

const seed = Number(process.env["ISA_SEED"] ?? 1);
const wordsOfEach = 3;
const statesOfEach = 6;
/** How often more words are tried for operations that every word and state made leave for the interpreter. */
const rounds = 12;
const regionsPerModule = 64;

const set = arm64InstructionSet();
const region = new RegionMachine(set);
const { machine } = region;
const specs = new Map(differentialCases.map((spec) => [spec.encoding, spec]));

interface Case {
  readonly name: string;
  readonly word: number;
  readonly spec: DifferentialSpec;
  readonly fields: Fields;
}

function caseOf(encoding: Encoding, word: number): Case {
  const values = extractFields(word, encoding.fields);
  return {
    name: region.nameOf(word),
    word,
    spec: specs.get(encoding.name) ?? { encoding: encoding.name },
    fields: (name) => {
      const value = values[name];
      if (value === undefined) throw new RangeError(`${encoding.name} has no field ${name}`);
      return value;
    },
  };
}

/** `wordsOfEach` words of each of the operations, as far as random words of the form reach them. */
function casesOf(encoding: Encoding, operations: readonly string[], round: number): readonly Case[] {
  const random = new Random(seed, `${encoding.name} words ${round}`);
  const spec = specs.get(encoding.name);
  const wanted = new Map(operations.map((name) => [name, wordsOfEach]));
  const found: Case[] = [];
  for (let i = 0; i < 400 * wanted.size && found.length < wordsOfEach * wanted.size; i++) {
    const word =
      spec?.word !== undefined && random.oneIn(2)
        ? spec.word(random) >>> 0
        : randomWord(encoding, spec?.fields ?? {}, random).word;
    const name = region.nameOf(word);
    const missing = wanted.get(name) ?? 0;
    if (missing === 0) continue;
    wanted.set(name, missing - 1);
    found.push(caseOf(encoding, word));
  }
  return found;
}

const operationsOf = (encoding: Encoding): readonly string[] =>
  set.operations
    .map(({ name }) => name)
    .filter((name) => name === encoding.name || name.startsWith(`${encoding.name}.`));

/** Numbers whose arithmetic is ordinary, as doubles or as singles in the SIMD registers: no soft float. */
function ordinaryNumbers(state: TestState, random: Random): void {
  const numbers = new DataView(state.v.buffer);
  for (let at = 0; at < numbers.byteLength; at += 16) {
    const doubles = random.oneIn(2);
    for (let i = 0; i < 16; i += doubles ? 8 : 4) {
      const number = (1 + random.below(1000)) / 4;
      if (doubles) numbers.setFloat64(at + i, number, true);
      else numbers.setFloat32(at + i, number, true);
    }
  }
  state.fpcr = 0;
  state.fpsr = 0x10;
}

/** A state for the case, now and then one in which it traps. */
function arrange(state: TestState, { spec, fields }: Case, random: Random): void {
  state.randomize(random);
  spec.arrange?.(state, fields, random);
  if (spec.encoding === "SYS") state.setX(fields("Rt"), dataAddress(random, 64));
  if (random.oneIn(3)) ordinaryNumbers(state, random);
  machine.take(state);
  machine.setInt(arm64State.fpTrap.place.address, Number(random.oneIn(16)));
  machine.setInt(arm64State.el.place.address, Number(!random.oneIn(4)));
  machine.setInt(arm64State.spSel.place.address, Number(!random.oneIn(4)));
  machine.setInt(arm64State.spAlignmentCheck.place.address, random.below(2));
  machine.setInt(arm64State.interruptsQuiet.place.address, random.below(2));
  machine.setInt(arm64State.fetchesChanged.place.address, random.below(2));
  machine.setInt(arm64State.cacheAccess.place.address, random.below(8));
  machine.setInt(arm64State.counterAccess.place.address, random.below(4));
  machine.setLong(arm64State.exclusiveAddress.place.address, state.x[random.below(32)] ?? 0n);
  machine.setInt(arm64State.exclusiveBytes.place.address, random.pick([0, 1, 2, 4, 8, 16]));
  machine.fillTlb = !random.oneIn(4);
  warmTlb(machine, random);
}

/** What the runs of one operation's regions came to. */
interface Tally {
  /** Runs to the end or to the target of a jump. */
  left: number;
  /** Runs that the interpreter had to take over. */
  side: number;
  /** Interpreted runs of words that are no region, and how many of these called out of WebAssembly. */
  uncompiled: number;
  called: number;
}

class Comparison {
  readonly tallies = new Map<string, Tally>();
  readonly differences: string[] = [];
  readonly #state = new TestState();

  run(cases: readonly Case[]): void {
    for (let begin = 0; begin < cases.length; begin += regionsPerModule) {
      const chunk = cases.slice(begin, begin + regionsPerModule);
      const regions = region.compile(chunk.map(({ word }) => ({ words: [word], first: 0 })));
      chunk.forEach((item, i) => {
        for (let n = 0; n < statesOfEach; n++) this.#runFrom(n, item, regions[i]);
      });
    }
  }

  /** Operations whose regions have never been run to their end. */
  neverLeft(): readonly string[] {
    return [...this.tallies].filter(([, { left, side }]) => left === 0 && side > 0).map(([name]) => name);
  }

  #runFrom(n: number, item: Case, compiled: TestRegion | undefined): void {
    const tally = this.tallies.get(item.name) ?? { left: 0, side: 0, uncompiled: 0, called: 0 };
    this.tallies.set(item.name, tally);
    arrange(this.#state, item, new Random(seed, `${item.name} ${item.word} ${n}`));
    machine.place([item.word]);
    if (compiled === undefined) {
      machine.engine.run(1);
      tally.uncompiled++;
      if (machine.outcome.kind === "call" || machine.calls.length > 0) tally.called++;
      return;
    }
    const { exit, differences } = region.compare(compiled, 1);
    if (exit === "side") tally.side++;
    else tally.left++;
    if (differences.length === 0) return;
    const word = `0x${item.word.toString(16)}`;
    this.differences.push(`${item.name} ${word}, state ${n}, ${exit}: ${differences.join("; ")}`);
  }
}

/** The words of `statedWords` that are of this encoding. */
const stated = (encoding: Encoding): readonly Case[] =>
  statedWords
    .filter((word) => operationsOf(encoding).includes(region.nameOf(word)))
    .map((word) => caseOf(encoding, word));

const letters = [...new Set(a64Encodings.map(({ name }) => name.charAt(0)))];
const groups = letters.map(
  (letter) => [letter, a64Encodings.filter(({ name }) => name.startsWith(letter))] as const,
);

describe(`a region of one instruction and the interpreter end in the same state (ISA_SEED=${seed})`, () => {
  test.each(groups)("%s…", (_letter, encodings) => {
    const comparison = new Comparison();
    comparison.run(
      encodings.flatMap((encoding) => [...casesOf(encoding, operationsOf(encoding), 0), ...stated(encoding)]),
    );
    for (let round = 1; round < rounds; round++) {
      const again = comparison.neverLeft();
      comparison.run(
        encodings.flatMap((encoding) =>
          casesOf(
            encoding,
            operationsOf(encoding).filter((name) => again.includes(name)),
            round,
          ),
        ),
      );
    }
    const { tallies, differences } = comparison;
    expect(differences.slice(0, 8), `${differences.length} differ, ISA_SEED=${seed}`).toEqual([]);
    expect(comparison.neverLeft(), "operations that a region always hands to the interpreter").toEqual([]);
    for (const [name, { uncompiled, called }] of tallies)
      expect(called, `${name} is not compiled, so it must call out of WebAssembly`).toBe(uncompiled);
    const unreached = encodings.flatMap(operationsOf).filter((name) => !tallies.has(name));
    expect(unreached, "operations that no word reached").toEqual([]);
  });
});
