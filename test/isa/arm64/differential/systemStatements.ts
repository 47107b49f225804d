import { systemRegisterValue } from "./machine.ts";

/** An instruction whose effect is a call to the CPU, or a read of state Unicorn does not hold: what must happen. */
export interface SystemStatement {
  readonly what: string;
  readonly word: number;
  /** State to set first, by the name in `arm64State`. X5 is always 0x1122_3344_5566_7788. */
  readonly given?: Readonly<Record<string, number | bigint>>;
  /** The call that is made, and whether the instruction ends there. */
  readonly call?: {
    readonly name: string;
    readonly args: readonly (number | bigint)[];
    readonly abandons?: true;
  };
  /** State afterwards, by the name in `arm64State`. */
  readonly after?: Readonly<Record<string, bigint>>;
  /** The value of X5 afterwards. */
  readonly x5?: bigint;
}

/** X5 before each instruction. */
export const initialX5 = 0x1122_3344_5566_7788n;

const abandons = true;

/** Rows of {@link SystemStatement}. Encodings: Arm ARM C6.2; register numbers: C5.2, D13.2. */
export const systemStatements: readonly SystemStatement[] = [
  {
    what: "hvc #0x1234 calls the hypervisor",
    word: 0xd402_4682,
    call: { name: "hypervisorCall", args: [0x1234], abandons },
  },
  {
    what: "hlt #0xffff halts",
    word: 0xd45f_ffe0,
    call: { name: "haltingBreakpoint", args: [0xffff], abandons },
  },
  {
    what: "dcps1 #1 asks for debug state at EL1",
    word: 0xd4a0_0021,
    call: { name: "debugChangeState", args: [1, 1], abandons },
  },
  {
    what: "dcps2 asks for debug state at EL2",
    word: 0xd4a0_0002,
    call: { name: "debugChangeState", args: [2, 0], abandons },
  },
  {
    what: "dcps3 asks for debug state at EL3",
    word: 0xd4a0_0003,
    call: { name: "debugChangeState", args: [3, 0], abandons },
  },
  {
    what: "eret returns from the exception",
    word: 0xd69f_03e0,
    call: { name: "exceptionReturn", args: [], abandons },
  },
  {
    what: "drps restores the state before debug state",
    word: 0xd6bf_03e0,
    call: { name: "debugRestoreState", args: [], abandons },
  },
  { what: "yield is a hint", word: 0xd503_203f, call: { name: "hint", args: [1] } },
  { what: "wfe is a hint", word: 0xd503_205f, call: { name: "hint", args: [2] } },
  { what: "wfi is a hint", word: 0xd503_207f, call: { name: "hint", args: [3] } },
  { what: "sev is a hint", word: 0xd503_209f, call: { name: "hint", args: [4] } },
  { what: "sevl is a hint", word: 0xd503_20bf, call: { name: "hint", args: [5] } },
  {
    what: "isb synchronizes the context when translations of fetches were dropped",
    word: 0xd503_3fdf,
    given: { fetchesChanged: 1 },
    call: { name: "contextSynchronization", args: [] },
  },
  {
    what: "isb asks nobody otherwise",
    word: 0xd503_3fdf,
    given: { fetchesChanged: 0 },
  },
  {
    what: "mrs x5, cntpct_el0 reads ticks of 16 ns where it may",
    word: 0xd53b_e025,
    given: { counterAccess: 1, counterBase: 0x1234_5678n, virtualOffset: 5n },
    x5: 0x123_4567n,
  },
  {
    what: "mrs x5, cntvct_el0 reads ticks less the virtual offset where it may",
    word: 0xd53b_e045,
    given: { counterAccess: 2, counterBase: 0x1234_5678n, virtualOffset: 0x67n },
    x5: 0x123_4500n,
  },
  {
    what: "mrs x5, cntvct_el0 asks the CPU where it may not",
    word: 0xd53b_e045,
    given: { counterAccess: 1 },
    call: { name: "systemRegisterRead", args: [0xdf02] },
    x5: systemRegisterValue(0xdf02),
  },
  {
    what: "mrs x5, ctr_el0 reads it where it may",
    word: 0xd53b_0025,
    given: { cacheAccess: 1, ctrEl0: 0x8444_c004n },
    x5: 0x8444_c004n,
  },
  {
    what: "mrs x5, ctr_el0 asks the CPU where it may not",
    word: 0xd53b_0025,
    given: { cacheAccess: 6 },
    call: { name: "systemRegisterRead", args: [0xd801] },
    x5: systemRegisterValue(0xd801),
  },
  {
    what: "mrs x5, dczid_el0 reads it where DC ZVA is allowed",
    word: 0xd53b_00e5,
    given: { cacheAccess: 4, dczidEl0: 4n },
    x5: 4n,
  },
  {
    what: "mrs x5, dczid_el0 asks the CPU where it is not",
    word: 0xd53b_00e5,
    given: { cacheAccess: 3 },
    call: { name: "systemRegisterRead", args: [0xd807] },
    x5: systemRegisterValue(0xd807),
  },
  ...(["ic ivau", "dc cvac", "dc cvau", "dc civac"] as const).map((name, n): SystemStatement => {
    const operation = 0b011_0111_0000_001 | (([5, 10, 11, 14][n] ?? 0) << 3);
    return {
      what: `${name}, x5 passes the address of a page that the TLB does not hold`,
      word: (0xd508_0005 | (operation << 5)) >>> 0,
      given: { cacheAccess: 7 },
      call: { name: "systemInstruction", args: [operation, initialX5] },
    };
  }),
  {
    what: "msr spsel, #1 writes PSTATE",
    word: 0xd500_41bf,
    call: { name: "processStateWrite", args: [0o05, 1] },
  },
  {
    what: "dc zva, x5 passes the address",
    word: 0xd50b_7425,
    call: { name: "systemInstruction", args: [0b011_0111_0100_001, initialX5] },
  },
  {
    what: "msr daifset, #2 masks IRQ at EL1 without a call",
    word: 0xd503_42df,
    given: { el: 1n, daif: 0x040n },
    after: { daif: 0x0c0n },
  },
  {
    what: "msr daifset, #2 asks the CPU at EL0",
    word: 0xd503_42df,
    given: { el: 0n, interruptsQuiet: 1n },
    call: { name: "processStateWrite", args: [0o36, 2] },
  },
  {
    what: "msr daifset, #8 asks the CPU, since debug exceptions are its business",
    word: 0xd503_48df,
    given: { el: 1n, interruptsQuiet: 1n },
    call: { name: "processStateWrite", args: [0o36, 8] },
  },
  {
    what: "msr daifclr, #3 unmasks without a call while no interrupt is asserted",
    word: 0xd503_43ff,
    given: { el: 1n, daif: 0x3c0n, interruptsQuiet: 1n },
    after: { daif: 0x300n },
  },
  {
    what: "msr daifclr, #3 asks the CPU while an interrupt is asserted",
    word: 0xd503_43ff,
    given: { el: 1n, daif: 0x3c0n },
    call: { name: "processStateWrite", args: [0o37, 3] },
    after: { daif: 0x3c0n },
  },
  {
    what: "msr daif, x5 writes PSTATE without a call while no interrupt is asserted",
    word: 0xd51b_4225,
    given: { el: 1n, daif: 0x2c0n, interruptsQuiet: 1n },
    after: { daif: 0x380n },
  },
  {
    what: "msr daif, x5 that only masks needs no call",
    word: 0xd51b_4225,
    given: { el: 1n, daif: 0x280n },
    after: { daif: 0x380n },
  },
  {
    what: "msr daif, x5 that unmasks asks the CPU while an interrupt is asserted",
    word: 0xd51b_4225,
    given: { el: 1n, daif: 0x3c0n },
    call: { name: "systemRegisterWrite", args: [0xda11, initialX5] },
    after: { daif: 0x3c0n },
  },
  {
    what: "msr daif, x5 that changes D asks the CPU",
    word: 0xd51b_4225,
    given: { el: 1n, daif: 0x1c0n, interruptsQuiet: 1n },
    call: { name: "systemRegisterWrite", args: [0xda11, initialX5] },
  },
  {
    what: "tlbi vmalle1is passes zero",
    word: 0xd508_831f,
    call: { name: "systemInstruction", args: [0b000_1000_0011_000, 0n] },
  },
  {
    what: "sysl x5, #3, c15, c2, #1 takes the answer",
    word: 0xd52b_f225,
    call: { name: "systemInstructionResult", args: [0b011_1111_0010_001] },
    x5: systemRegisterValue(0b011_1111_0010_001),
  },
  {
    what: "mrs x5, sctlr_el1 asks the CPU",
    word: 0xd538_1005,
    call: { name: "systemRegisterRead", args: [0xc080] },
    x5: systemRegisterValue(0xc080),
  },
  {
    what: "mrs x5, mdscr_el1 asks the CPU with op0 2",
    word: 0xd530_0245,
    call: { name: "systemRegisterRead", args: [0x8012] },
    x5: systemRegisterValue(0x8012),
  },
  {
    what: "msr vbar_el1, x5 tells the CPU",
    word: 0xd518_c005,
    call: { name: "systemRegisterWrite", args: [0xc600, initialX5] },
  },
  {
    what: "msr tpidr_el1, xzr tells the CPU",
    word: 0xd518_d09f,
    call: { name: "systemRegisterWrite", args: [0xc684, 0n] },
  },
  {
    what: "mrs x5, tpidr_el1 reads its storage at EL1",
    word: 0xd538_d085,
    given: { tpidrEl1: 0xffff_8000_1234_5678n },
    x5: 0xffff_8000_1234_5678n,
  },
  {
    what: "mrs x5, tpidr_el1 asks the CPU at EL0",
    word: 0xd538_d085,
    given: { el: 0n },
    call: { name: "systemRegisterRead", args: [0xc684] },
    x5: systemRegisterValue(0xc684),
  },
  {
    what: "mrs x5, tpidrro_el0 reads its storage at EL0",
    word: 0xd53b_d065,
    given: { el: 0n, tpidrroEl0: 0x7fff_0000_0010n },
    x5: 0x7fff_0000_0010n,
  },
  {
    what: "mrs x5, tpidr_el0 reads its storage at EL0",
    word: 0xd53b_d045,
    given: { el: 0n, tpidrEl0: 0x7fff_0000_0020n },
    x5: 0x7fff_0000_0020n,
  },
  {
    what: "mrs x5, daif reads PSTATE at EL1",
    word: 0xd53b_4225,
    given: { daif: 0x3c0n },
    x5: 0x3c0n,
  },
  {
    what: "mrs x5, daif asks the CPU at EL0",
    word: 0xd53b_4225,
    given: { el: 0n },
    call: { name: "systemRegisterRead", args: [0xda11] },
    x5: systemRegisterValue(0xda11),
  },
  { what: "mrs x5, currentel reads 4 at EL1", word: 0xd538_4245, x5: 4n },
  {
    what: "mrs x5, currentel asks the CPU at EL0",
    word: 0xd538_4245,
    given: { el: 0n },
    call: { name: "systemRegisterRead", args: [0xc212] },
    x5: systemRegisterValue(0xc212),
  },
  { what: "mrs x5, spsel reads 0 with SP_EL0", word: 0xd538_4205, given: { spSel: 0n }, x5: 0n },
  {
    what: "mrs x5, sp_el0 reads it at EL1 with SP_EL1",
    word: 0xd538_4105,
    given: { spEl0: 0x1234_5678n },
    x5: 0x1234_5678n,
  },
  {
    what: "mrs x5, sp_el0 asks the CPU while SP_EL0 is the stack pointer",
    word: 0xd538_4105,
    given: { spSel: 0n },
    call: { name: "systemRegisterRead", args: [0xc208] },
    x5: systemRegisterValue(0xc208),
  },
  {
    what: "mrs x5, fpcr traps like floating point",
    word: 0xd53b_4405,
    given: { fpTrap: 1n },
    call: { name: "floatingPointTrap", args: [], abandons },
  },
  {
    what: "msr fpsr, x5 traps like floating point",
    word: 0xd51b_4425,
    given: { fpTrap: 1n },
    call: { name: "floatingPointTrap", args: [], abandons },
  },
  {
    what: "msr fpcr, x5 tells the CPU",
    word: 0xd51b_4405,
    call: { name: "floatingPointControl", args: [0, initialX5] },
  },
];
