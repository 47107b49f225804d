import type { DifferentialSpec } from "./harness.ts";
import type { Random } from "./random.ts";

const forms = (...encodings: readonly string[]): readonly DifferentialSpec[] =>
  encodings.map((encoding) => ({ encoding }));

/** op0, op1, CRn, CRm, op2 of the registers that have a form without a host call and that Unicorn holds as we do. */
const readable: Readonly<Record<string, readonly number[]>> = {
  NZCV: [3, 3, 4, 2, 0],
  FPCR: [3, 3, 4, 4, 0],
  FPSR: [3, 3, 4, 4, 1],
  SPSel: [3, 0, 4, 2, 0],
  CurrentEL: [3, 0, 4, 2, 2],
  TPIDR_EL0: [3, 3, 13, 0, 2],
};
const writable = ["NZCV", "FPCR", "FPSR", "TPIDR_EL0"];

function transfer(read: boolean, register: string, t: number): number {
  const [op0 = 0, op1 = 0, crn = 0, crm = 0, op2 = 0] = readable[register] ?? [];
  const fields = (op0 << 19) | (op1 << 16) | (crn << 12) | (crm << 8) | (op2 << 5);
  return ((read ? 0xd520_0000 : 0xd500_0000) | fields | t) >>> 0;
}

const selector = (register: string): number => {
  const [op0 = 0, op1 = 0, crn = 0, crm = 0, op2 = 0] = readable[register] ?? [];
  return (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
};

const only =
  (registers: readonly string[]) =>
  (name: string): boolean =>
    registers.some((register) => name.endsWith(`=${selector(register)}`));

/** FPCR bits that both CPUs hold: rounding mode, FZ, DN, AHP. FPSR bits: QC and the cumulative exceptions. */
const fpcrBits = 0x07c0_0000n;
const fpsrBits = 0x0800_009fn;

/** Exceptions, hints, barriers, and moves to and from the system registers that need no host call. */
export const systemCases: readonly DifferentialSpec[] = [
  // Unicorn has no EL2: HVC is undefined there. systemStatements.ts says what it does.
  ...forms("SVC", "SMC", "BRK"),
  ...forms("NOP", "HINT", "DSB", "DMB", "ISB"),
  {
    encoding: "MRS",
    operations: only(Object.keys(readable)),
    word: (random) => transfer(true, random.pick(Object.keys(readable)), random.below(32)),
    arrange: (state, _f, random) => {
      state.fpcr = random.u32() & Number(fpcrBits);
    },
    before: (_f, random: Random) => [transfer(false, "TPIDR_EL0", random.below(32))],
  },
  {
    encoding: "MSR_reg",
    operations: only(writable),
    word: (random) => transfer(false, random.pick(writable), random.below(32)),
    arrange: (state, f) => {
      const mask = f("CRm") === 4 ? (f("op2") === 0 ? fpcrBits : fpsrBits) : undefined;
      if (mask !== undefined && f("Rt") !== 31) state.setX(f("Rt"), (state.x[f("Rt")] ?? 0n) & mask);
    },
  },
];
