import type { UnicornArm64 } from "../../oracle/unicorn.ts";

/** Input of one execution: FPCR and the low 64 bits of v0, v1, v2 (v0's also in x3). */
export interface WitnessCase {
  readonly fpcr: number;
  readonly operands: readonly bigint[];
}

/** What an execution left behind. */
export interface WitnessResult {
  /** Low half of v3. */
  readonly v3: bigint;
  readonly x4: bigint;
  /** N in bit 3. */
  readonly nzcv: number;
  readonly fpsr: number;
}

const RECORD = 112;
const BEFORE = [
  0xf940_0002, // ldr x2, [x0]
  0xd51b_4402, // msr fpcr, x2
  0xd51b_443f, // msr fpsr, xzr
  0xf940_0803, // ldr x3, [x0, #16]
  0x3dc0_0400, // ldr q0, [x0, #16]
  0x3dc0_0801, // ldr q1, [x0, #32]
  0x3dc0_0c02, // ldr q2, [x0, #48]
  0x3dc0_0403, // ldr q3, [x0, #16]
];
const AFTER = [
  0xd53b_4205, // mrs x5, nzcv
  0xd53b_4426, // mrs x6, fpsr
  0x3d80_1003, // str q3, [x0, #64]
  0xf900_2804, // str x4, [x0, #80]
  0xa906_1805, // stp x5, x6, [x0, #96]
  0x9101_c000, // add x0, x0, #112
];
const LOOP = [...BEFORE, 0, ...AFTER, 0];

function branchBack(words: number): number {
  return 0x1400_0000 | (-words & 0x03ff_ffff);
}

/** Runs one instruction on many inputs, by a loop over records in guest memory at `address`. */
export function runOnWitness(
  cpu: UnicornArm64,
  address: bigint,
  word: number,
  cases: readonly WitnessCase[],
): readonly WitnessResult[] {
  const memory = cpu.memory(address, cases.length * RECORD);
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  cases.forEach(({ fpcr, operands }, n) => {
    view.setBigUint64(n * RECORD, BigInt(fpcr), true);
    operands.forEach((operand, i) => {
      view.setBigUint64(n * RECORD + 16 + 16 * i, operand, true);
    });
  });
  cpu.registers.clear();
  cpu.registers.x[0] = address;
  const words = [...BEFORE, word, ...AFTER, branchBack(LOOP.length - 1)];
  const outcome = cpu.run(words, cases.length * words.length);
  if (outcome.kind !== "ok") {
    throw new Error(`0x${word.toString(16)} ended with ${outcome.kind} at 0x${outcome.pc.toString(16)}`);
  }
  return cases.map((_, n) => {
    const at = n * RECORD;
    return {
      v3: view.getBigUint64(at + 64, true),
      x4: view.getBigUint64(at + 80, true),
      nzcv: Number(view.getBigUint64(at + 96, true) >> 28n) & 15,
      fpsr: Number(view.getBigUint64(at + 104, true) & 0xffff_ffffn),
    };
  });
}
