/** Fields of a one-reg id (linux/kvm.h). */
const arm64 = 0x6000_0000_0000_0000n;
const size = {
  u32: 0x0020_0000_0000_0000n,
  u64: 0x0030_0000_0000_0000n,
  u128: 0x0040_0000_0000_0000n,
} as const;
const group = {
  core: 0x0010_0000n,
  demux: 0x0011_0000n,
  sysreg: 0x0013_0000n,
  firmware: 0x0014_0000n,
} as const;

/** What a one-reg id of arm64 names. */
export type Arm64RegisterName =
  | { readonly kind: "x"; readonly n: number }
  | { readonly kind: "v"; readonly n: number }
  | { readonly kind: "sp" | "pc" | "pstate" | "spEl1" | "elrEl1" | "fpsr" | "fpcr" }
  | { readonly kind: "spsr"; readonly n: number }
  | { readonly kind: "sysreg"; readonly key: number }
  | { readonly kind: "psciVersion" };

const core = (offset: number, width: keyof typeof size): bigint =>
  arm64 | size[width] | group.core | BigInt(offset / 4);

/** Byte offsets within `struct kvm_regs` (arch/arm64/include/uapi/asm/kvm.h). */
const offsets = {
  sp: 248,
  pc: 256,
  pstate: 264,
  spEl1: 272,
  elrEl1: 280,
  spsr: 288,
  v: 336,
  fpsr: 848,
  fpcr: 852,
} as const;

/** The ids of arm64's registers. */
export const arm64Reg = {
  x: (n: number): bigint => core(n * 8, "u64"),
  sp: core(offsets.sp, "u64"),
  pc: core(offsets.pc, "u64"),
  pstate: core(offsets.pstate, "u64"),
  spEl1: core(offsets.spEl1, "u64"),
  elrEl1: core(offsets.elrEl1, "u64"),
  spsr: (n: number): bigint => core(offsets.spsr + n * 8, "u64"),
  v: (n: number): bigint => core(offsets.v + n * 16, "u128"),
  fpsr: core(offsets.fpsr, "u32"),
  fpcr: core(offsets.fpcr, "u32"),
  /** A system register by op0:op1:CRn:CRm:op2. */
  sysreg: (key: number): bigint => arm64 | size.u64 | group.sysreg | BigInt(timerIds.get(key) ?? key),
  psciVersion: arm64 | size.u64 | group.firmware,
} as const;

const counter = 0xdf02;
const timerControlValue = 0xdf1a;

/** KVM's ids of CNTVCT and CNTV_CVAL are exchanged, by an old mistake that became interface (arch/arm64/include/uapi/asm/kvm.h). */
const timerIds: ReadonlyMap<number, number> = new Map([
  [counter, timerControlValue],
  [timerControlValue, counter],
]);

const named: ReadonlyMap<bigint, Arm64RegisterName> = new Map<bigint, Arm64RegisterName>([
  ...Array.from({ length: 31 }, (_, n): [bigint, Arm64RegisterName] => [arm64Reg.x(n), { kind: "x", n }]),
  ...Array.from({ length: 32 }, (_, n): [bigint, Arm64RegisterName] => [arm64Reg.v(n), { kind: "v", n }]),
  ...Array.from({ length: 5 }, (_, n): [bigint, Arm64RegisterName] => [
    arm64Reg.spsr(n),
    { kind: "spsr", n },
  ]),
  ...(["sp", "pc", "pstate", "spEl1", "elrEl1", "fpsr", "fpcr", "psciVersion"] as const).map(
    (kind): [bigint, Arm64RegisterName] => [arm64Reg[kind], { kind }],
  ),
]);

/** What an id names; undefined when it is none of arm64's. */
export function parseArm64Reg(id: bigint): Arm64RegisterName | undefined {
  const known = named.get(id);
  if (known !== undefined) return known;
  const sysreg = arm64 | size.u64 | group.sysreg;
  if ((id & ~0xffffn) !== sysreg) return undefined;
  const key = Number(id & 0xffffn);
  return { kind: "sysreg", key: timerIds.get(key) ?? key };
}
