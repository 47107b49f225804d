import { arm64DebugArchitecture } from "../../../src/debugger/arm64/architecture.ts";
import { DebugSession, type SessionOptions } from "../../../src/debugger/session.ts";
import { guestPhysical } from "../../../src/machine/address.ts";
import { GuestMachine } from "../../../src/vmm/guest.ts";
import { instructionSet, interpreter } from "../../cpu/arm64/support/machine.ts";
import { host } from "./guest.ts";

/** Where the code of `debugCode` begins: the start of RAM. */
export const CODE = 0x4000_0000n;
/** Memory that the code does not reach by itself. */
export const DATA = 0x4001_0000n;

/** A64 instructions that tests are made of. Arm ARM C6.2. */
export const a64 = {
  nop: 0xd503201f,
  wfi: 0xd503207f,
  wfe: 0xd503205f,
  svc: 0xd4000001,
  hvc: 0xd4000002,
  eret: 0xd69f03e0,
  brk: (immediate: number) => 0xd4200000 | (immediate << 5),
  /** Branch by so many instructions. */
  b: (offset: number) => 0x14000000 | (offset & 0x3ffffff),
  /** MOVZ Xd, #immediate, LSL #(16 × half). */
  movz: (d: number, immediate: number, half = 0) => 0xd2800000 | (half << 21) | (immediate << 5) | d,
  movk: (d: number, immediate: number, half = 0) => 0xf2800000 | (half << 21) | (immediate << 5) | d,
  /** ADD Xd, Xn, #immediate. */
  add: (d: number, n: number, immediate: number) => 0x91000000 | (immediate << 10) | (n << 5) | d,
  /** SUBS Xd, Xn, #immediate. */
  subs: (d: number, n: number, immediate: number) => 0xf1000000 | (immediate << 10) | (n << 5) | d,
  /** B.NE by so many instructions. */
  bne: (offset: number) => 0x54000001 | ((offset & 0x7ffff) << 5),
  cbnz: (t: number, offset: number) => 0x35000000 | ((offset & 0x7ffff) << 5) | t,
  /** STR Xt, [Xn, #offset]. */
  str: (t: number, n: number, offset = 0) => 0xf9000000 | ((offset / 8) << 10) | (n << 5) | t,
  ldr: (t: number, n: number, offset = 0) => 0xf9400000 | ((offset / 8) << 10) | (n << 5) | t,
  /** STR Wt, [Xn]. */
  strw: (t: number, n: number) => 0xb9000000 | (n << 5) | t,
  strb: (t: number, n: number) => 0x39000000 | (n << 5) | t,
  stp: (t: number, u: number, n: number) => 0xa9000000 | (u << 10) | (n << 5) | t,
  ldxr: (t: number, n: number) => 0xc85f7c00 | (n << 5) | t,
  stxr: (s: number, t: number, n: number) => 0xc8007c00 | (s << 16) | (n << 5) | t,
  /** MSR and MRS by op0:op1:CRn:CRm:op2. */
  msr: (register: number, t: number) => 0xd5100000 | ((register & 0x7fff) << 5) | t,
  mrs: (t: number, register: number) => 0xd5300000 | ((register & 0x7fff) << 5) | t,
} as const;

/** System registers for `a64.msr`, as op0:op1:CRn:CRm:op2. */
export const sysreg = {
  VBAR_EL1: 0xc600,
  ELR_EL1: 0xc201,
  SPSR_EL1: 0xc200,
  ESR_EL1: 0xc290,
  FAR_EL1: 0xc300,
  MDSCR_EL1: 0x8012,
  DBGBVR0_EL1: 0x8004,
  TPIDR_EL1: 0xc684,
} as const;

/** Words as the guest's bytes. */
export function bytesOf(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  return bytes;
}

/** A machine about to execute these words at `CODE`, with the MMU off; all its vCPUs but the first are off. */
export function debugCode(
  words: readonly number[],
  options: Partial<SessionOptions> & { readonly cpus?: number } = {},
) {
  let printed = "";
  const machine = new GuestMachine({
    instructionSet,
    interpreter,
    memoryBytes: 2 << 20,
    cpus: options.cpus ?? 1,
    gicVersion: 3,
    transmit: (byte) => {
      printed += String.fromCharCode(byte);
    },
  });
  const bytes = bytesOf(words);
  const code = {
    what: "code",
    address: guestPhysical(CODE),
    bytes,
    size: BigInt(bytes.length),
    zeroed: false,
  };
  machine.boot({ pieces: [code], entry: { pc: guestPhysical(CODE), x0: 0n } });
  const session = new DebugSession(machine, { architecture: arm64DebugArchitecture, host, ...options });
  return { machine, session, vcpu: session.vcpu(0), printed: () => printed };
}
