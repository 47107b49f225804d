import { systemRegisterKey } from "../../../../src/cpu/arm64/systemRegisters/row.ts";

/** The encoding of a system register or SYS operation from its five numbers: `"3 0 1 0 0"`. */
export function encoding(numbers: string): number {
  const [op0 = 0, op1 = 0, crn = 0, crm = 0, op2 = 0] = numbers.split(" ").map(Number);
  return systemRegisterKey(op0, op1, crn, crm, op2);
}

/** System registers that the tests' programs use. */
export const sysreg = {
  SCTLR_EL1: "3 0 1 0 0",
  CPACR_EL1: "3 0 1 0 2",
  TTBR0_EL1: "3 0 2 0 0",
  TTBR1_EL1: "3 0 2 0 1",
  TCR_EL1: "3 0 2 0 2",
  SPSR_EL1: "3 0 4 0 0",
  ELR_EL1: "3 0 4 0 1",
  SP_EL0: "3 0 4 1 0",
  CurrentEL: "3 0 4 2 2",
  ESR_EL1: "3 0 5 2 0",
  FAR_EL1: "3 0 6 0 0",
  PAR_EL1: "3 0 7 4 0",
  MAIR_EL1: "3 0 10 2 0",
  VBAR_EL1: "3 0 12 0 0",
  ISR_EL1: "3 0 12 1 0",
  TPIDR_EL1: "3 0 13 0 4",
  DAIF: "3 3 4 2 1",
  NZCV: "3 3 4 2 0",
  CTR_EL0: "3 3 0 0 1",
  DCZID_EL0: "3 3 0 0 7",
  CNTFRQ_EL0: "3 3 14 0 0",
  CNTPCT_EL0: "3 3 14 0 1",
  CNTVCT_EL0: "3 3 14 0 2",
  CNTP_TVAL_EL0: "3 3 14 2 0",
  CNTP_CTL_EL0: "3 3 14 2 1",
  CNTP_CVAL_EL0: "3 3 14 2 2",
  CNTV_TVAL_EL0: "3 3 14 3 0",
  CNTV_CTL_EL0: "3 3 14 3 1",
  CNTV_CVAL_EL0: "3 3 14 3 2",
} as const;

/** Name of one of the registers above. */
export type SysregName = keyof typeof sysreg;

const size = { 1: 0, 2: 1, 4: 2, 8: 3 } as const;
/** Bytes of an access to a general register. */
export type AccessBytes = keyof typeof size;

const signed = (value: number, bits: number): number => value & ((1 << bits) - 1);
const word = (...parts: number[]): number => parts.reduce((all, part) => all | part, 0) >>> 0;
/** SYS with op1, CRn, CRm, op2. */
const sys = (op1: number, crn: number, crm: number, op2: number, t: number): number =>
  word(0xd5080000, op1 << 16, crn << 12, crm << 8, op2 << 5, t);
const atomic = (opcode: number, s: number, t: number, n: number, bytes: AccessBytes): number =>
  word(0x38200000, size[bytes] << 30, s << 16, opcode << 12, n << 5, t);

/** A64 instructions as words (Arm ARM C6.2). Registers are numbers; 31 is XZR or SP as the instruction has it. */
export const a64 = {
  nop: 0xd503201f,
  wfe: 0xd503205f,
  wfi: 0xd503207f,
  sev: 0xd503209f,
  sevl: 0xd50320bf,
  isb: 0xd5033fdf,
  dsb: 0xd5033f9f,
  eret: 0xd69f03e0,
  /** An encoding that is not allocated. */
  udf: 0x00000000,
  svc: (imm = 0) => word(0xd4000001, imm << 5),
  hvc: (imm = 0) => word(0xd4000002, imm << 5),
  smc: (imm = 0) => word(0xd4000003, imm << 5),
  brk: (imm = 0) => word(0xd4200000, imm << 5),
  hlt: (imm = 0) => word(0xd4400000, imm << 5),
  /** Four instructions that put any 64-bit value into Xd. */
  mov64: (d: number, value: bigint): number[] =>
    [0, 1, 2, 3].map((part) => {
      const bits = Number((BigInt.asUintN(64, value) >> BigInt(part * 16)) & 0xffffn);
      return word(part === 0 ? 0xd2800000 : 0xf2800000, part << 21, bits << 5, d);
    }),
  movz: (d: number, imm: number) => word(0xd2800000, imm << 5, d),
  movSp: (n: number) => word(0x9100001f, n << 5),
  mov: (d: number, m: number) => word(0xaa0003e0, m << 16, d),
  addImm: (d: number, n: number, imm: number) => word(0x91000000, imm << 10, n << 5, d),
  subsImm: (d: number, n: number, imm: number) => word(0xf1000000, imm << 10, n << 5, d),
  add: (d: number, n: number, m: number) => word(0x8b000000, m << 16, n << 5, d),
  /** Branches take a distance in instructions. */
  b: (distance: number) => word(0x14000000, signed(distance, 26)),
  cbz: (t: number, distance: number) => word(0xb4000000, signed(distance, 19) << 5, t),
  cbnz: (t: number, distance: number) => word(0xb5000000, signed(distance, 19) << 5, t),
  br: (n: number) => word(0xd61f0000, n << 5),
  blr: (n: number) => word(0xd63f0000, n << 5),
  ret: 0xd65f03c0,
  mrs: (t: number, register: string) => word(0xd5200000, (encoding(register) & 0xffff) << 5, t),
  msr: (register: string, t: number) => word(0xd5000000, (encoding(register) & 0xffff) << 5, t),
  daifSet: (imm: number) => word(0xd50340df, imm << 8),
  daifClear: (imm: number) => word(0xd50340ff, imm << 8),
  spSel: (imm: number) => word(0xd50040bf, imm << 8),
  ldr: (t: number, n: number, bytes: AccessBytes = 8) => word(0x39400000, size[bytes] << 30, n << 5, t),
  str: (t: number, n: number, bytes: AccessBytes = 8) => word(0x39000000, size[bytes] << 30, n << 5, t),
  /** Sign-extends to 64 bits. */
  ldrs: (t: number, n: number, bytes: 1 | 2 | 4) => word(0x39800000, size[bytes] << 30, n << 5, t),
  strPost: (t: number, n: number, offset: number) => word(0xf8000400, signed(offset, 9) << 12, n << 5, t),
  ldtr: (t: number, n: number, bytes: AccessBytes = 8) => word(0x38400800, size[bytes] << 30, n << 5, t),
  sttr: (t: number, n: number, bytes: AccessBytes = 8) => word(0x38000800, size[bytes] << 30, n << 5, t),
  ldp: (t: number, t2: number, n: number, offset = 0) =>
    word(0xa9400000, signed(offset / 8, 7) << 15, t2 << 10, n << 5, t),
  stp: (t: number, t2: number, n: number, offset = 0) =>
    word(0xa9000000, signed(offset / 8, 7) << 15, t2 << 10, n << 5, t),
  ldrQ: (t: number, n: number) => word(0x3dc00000, n << 5, t),
  strQ: (t: number, n: number) => word(0x3d800000, n << 5, t),
  ldxr: (t: number, n: number, bytes: AccessBytes = 8) => word(0x085f7c00, size[bytes] << 30, n << 5, t),
  stxr: (s: number, t: number, n: number, bytes: AccessBytes = 8) =>
    word(0x08007c00, size[bytes] << 30, s << 16, n << 5, t),
  ldar: (t: number, n: number, bytes: AccessBytes = 8) => word(0x08dffc00, size[bytes] << 30, n << 5, t),
  stlr: (t: number, n: number, bytes: AccessBytes = 8) => word(0x089ffc00, size[bytes] << 30, n << 5, t),
  ldadd: (s: number, t: number, n: number, bytes: AccessBytes = 8) => atomic(0, s, t, n, bytes),
  swp: (s: number, t: number, n: number, bytes: AccessBytes = 8) => atomic(8, s, t, n, bytes),
  cas: (s: number, t: number, n: number, bytes: AccessBytes = 8) =>
    word(0x08a07c00, size[bytes] << 30, s << 16, n << 5, t),
  dcZva: (t: number) => sys(3, 7, 4, 1, t),
  dcCvau: (t: number) => sys(3, 7, 11, 1, t),
  dcCivac: (t: number) => sys(3, 7, 14, 1, t),
  dcIvac: (t: number) => sys(0, 7, 6, 1, t),
  icIvau: (t: number) => sys(3, 7, 5, 1, t),
  icIallu: sys(0, 7, 5, 0, 31),
  atS1E1R: (t: number) => sys(0, 7, 8, 0, t),
  atS1E1W: (t: number) => sys(0, 7, 8, 1, t),
  atS1E0R: (t: number) => sys(0, 7, 8, 2, t),
  atS1E0W: (t: number) => sys(0, 7, 8, 3, t),
  tlbiVmalle1: sys(0, 8, 7, 0, 31),
  tlbiVmalle1is: sys(0, 8, 3, 0, 31),
  tlbiVae1: (t: number) => sys(0, 8, 7, 1, t),
  tlbiVae1is: (t: number) => sys(0, 8, 3, 1, t),
  tlbiAside1is: (t: number) => sys(0, 8, 3, 2, t),
  tlbiVaae1is: (t: number) => sys(0, 8, 3, 3, t),
  tlbiVale1is: (t: number) => sys(0, 8, 3, 5, t),
  fmovD: (d: number, n: number) => word(0x9e670000, n << 5, d),
} as const;
