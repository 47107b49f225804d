import { simd } from "../../../../src/isa/arm64/semantics/simd/index.ts";
import { pointBase } from "./addresses.ts";
import type { DifferentialSpec, Fields } from "./harness.ts";
import type { Random } from "./random.ts";
import type { TestState } from "./state.ts";

/** Shift distances around every element width, in every byte of Vm. */
function shiftDistances(state: TestState, f: Fields, random: Random): void {
  if (random.oneIn(3)) return;
  const reach = random.pick([8, 16, 32, 64]) + 2;
  const half = (): bigint => {
    let bytes = 0n;
    for (let i = 0; i < 8; i++) bytes = (bytes << 8n) | BigInt(random.below(2 * reach + 1) - reach + 256);
    return bytes & 0xffff_ffff_ffff_ffffn;
  };
  state.setV(f("Rm"), half(), half());
}

/** Indexes mostly within the table. */
function tableIndexes(state: TestState, f: Fields, random: Random): void {
  if (random.oneIn(3)) return;
  const half = (): bigint => {
    let bytes = 0n;
    for (let i = 0; i < 8; i++) bytes = (bytes << 8n) | BigInt(random.below(80));
    return bytes;
  };
  state.setV(f("Rm"), half(), half());
}

/** Half of the time 31, which stands for the number of bytes. */
const postIndexRegister = (random: Random): number => (random.oneIn(2) ? 31 : random.below(32));

const anyBit = (random: Random): number => random.below(2);
const anyTwoBits = (random: Random): number => random.below(4);

const scaleOfSingle = (f: Fields): number => (f("scale") === 2 && f("size") === 1 ? 3 : f("scale"));

function specOf(encoding: string): DifferentialSpec {
  if (/^[US]Q?R?SHL_(vector|sisd)$/.test(encoding)) return { encoding, arrange: shiftDistances };
  if (encoding === "TBL" || encoding === "TBX") return { encoding, arrange: tableIndexes };
  const fields = encoding.endsWith("_post") ? { Rm: postIndexRegister } : {};
  if (/_single/.test(encoding)) {
    return {
      encoding,
      fields: { ...fields, Q: anyBit, S: anyBit, size: anyTwoBits },
      arrange: (state, f, random) => pointBase(state, f, random, 1 << scaleOfSingle(f), 0n),
    };
  }
  if (/_multiple|^LD\dR/.test(encoding)) {
    return {
      encoding,
      fields,
      arrange: (state, f, random) => pointBase(state, f, random, 1 << f("size"), 0n),
    };
  }
  return { encoding };
}

const isTransfer = (encoding: string): boolean => /^(LD|ST)\d/.test(encoding);

const encodings = simd.map(({ encoding }) => encoding);

/** Integer SIMD and cryptographic instructions. */
export const vectorCases: readonly DifferentialSpec[] = encodings
  .filter((encoding) => !isTransfer(encoding))
  .map(specOf);

/** Loads and stores of structures. */
export const structureCases: readonly DifferentialSpec[] = encodings.filter(isTransfer).map(specOf);
