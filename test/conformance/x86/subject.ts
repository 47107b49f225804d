import type { X86Exit } from "../../../src/kvm/exits.ts";
import { guestDebugControl, type X86GuestDebug, x86GuestDebugControl } from "../../../src/kvm/guestDebug.ts";
import type { X86DebugRegs, X86Regs, X86Sregs } from "../../../src/kvm/linux/uapi/x86_64/records.ts";
import { longMode, protectedMode, realMode } from "../../../src/kvm/x86Modes.ts";
import { addressOf, gdtLimit, initialMemory, place, selector } from "./environment.ts";
import { codeAt, type GuestCode } from "./guest.ts";
import type { HardwareBreakpoint, HostDebug, Scenario } from "./scenario.ts";

/** A vCPU of some substrate with 1 MiB of memory, as the suite uses it. */
export interface Subject {
  run(): X86Exit;
  setGuestDebug(debug: X86GuestDebug): void;
  completeMmio(data: bigint): void;
  getRegs(): X86Regs;
  setRegs(regs: X86Regs): void;
  getSregs(): X86Sregs;
  setSregs(sregs: X86Sregs): void;
  getDebugRegs(): X86DebugRegs;
  setDebugRegs(registers: X86DebugRegs): void;
  setMsr(index: number, value: bigint): void;
  readMemory(address: bigint, length: number): Uint8Array;
  writeMemory(address: bigint, bytes: Uint8Array): void;
  /** Ends a run that goes on and on. */
  close(): void;
}

const msr = { star: 0xc000_0081, lstar: 0xc000_0082, sfmask: 0xc000_0084 } as const;

/** Puts the guest at its first instruction. */
export function begin(subject: Subject, scenario: Scenario, code: GuestCode): void {
  for (const [address, bytes] of initialMemory(scenario, code)) subject.writeMemory(address, bytes);
  subject.setSregs(segmentsOf(subject.getSregs(), scenario));
  subject.setRegs({
    ...subject.getRegs(),
    rsp: place.stack,
    rflags: 2n,
    ...scenario.registers,
    rip: BigInt(codeAt) - (scenario.segments?.["cs"]?.base ?? 0n),
  });
  const { ownDebug, syscall } = scenario;
  if (ownDebug !== undefined) {
    const db = [0, 1, 2, 3].map((i) => BigInt(addressOf(code, ownDebug.addresses[i] ?? 0)));
    subject.setDebugRegs({ ...subject.getDebugRegs(), db, dr7: ownDebug.dr7 });
  }
  if (syscall !== undefined) {
    // SYSCALL takes CS and SS from bits 47:32; SYSRET from 63:48 (SDM volume 3, 5.8.8).
    subject.setMsr(msr.star, (BigInt(selector.data | 3) << 48n) | (BigInt(selector.code) << 32n));
    subject.setMsr(msr.lstar, BigInt(addressOf(code, syscall)));
    subject.setMsr(msr.sfmask, 0x100n);
  }
}

function segmentsOf(sregs: X86Sregs, { mode, segments = {} }: Scenario): X86Sregs {
  if (mode === "real") {
    const real = realMode(sregs);
    for (const [name, change] of Object.entries(segments)) {
      const key = name as "cs" | "ds" | "es" | "fs" | "gs" | "ss";
      real[key] = { ...real[key], ...change };
    }
    return real;
  }
  const tables = {
    gdt: { base: place.gdt, limit: gdtLimit },
    idt: { base: place.idt, limit: 0xfff },
    tss: { base: place.tss, selector: selector.tss },
  };
  const long = longMode(sregs, place.pageTables, tables);
  if (mode === "protected")
    return {
      ...protectedMode(sregs, { ...tables, selectors: { code: selector.code32, data: selector.data } }),
      tr: long.tr,
    };
  if (mode === "long") return long;
  const data = { ...long.ds, selector: selector.userData, dpl: 3 };
  const cs = { ...long.cs, selector: selector.userCode, dpl: 3 };
  return { ...long, cs, ss: data, ds: data, es: data };
}

/** DR7's fields for a breakpoint register (SDM volume 3, 18.2.4). */
const kinds = { execute: 0, write: 1, access: 3 } as const;
const lengths = { 1: 0, 2: 1, 4: 3, 8: 2 } as const;

function dr7Of(breakpoints: readonly HardwareBreakpoint[]): bigint {
  return breakpoints.reduce((dr7, { on = "execute", length = 1 }, i) => {
    const field = BigInt(kinds[on] | (lengths[length] << 2)) << BigInt(16 + 4 * i);
    return dr7 | field | (2n << BigInt(2 * i));
  }, 0x400n);
}

/** The argument of `KVM_SET_GUEST_DEBUG`. */
export function guestDebugOf(debug: HostDebug | "off", code: GuestCode): X86GuestDebug {
  if (debug === "off") return { control: 0 };
  const { step, int3, hardware, blockInterrupts, inject, generalDetect } = debug;
  const control =
    guestDebugControl.ENABLE |
    (step === true ? guestDebugControl.SINGLESTEP : 0) |
    (int3 === true ? guestDebugControl.USE_SW_BP : 0) |
    (hardware === undefined ? 0 : guestDebugControl.USE_HW) |
    (blockInterrupts === true ? x86GuestDebugControl.BLOCKIRQ : 0) |
    (inject === "DB" ? x86GuestDebugControl.INJECT_DB : 0) |
    (inject === "BP" ? x86GuestDebugControl.INJECT_BP : 0);
  if (hardware === undefined) return { control };
  return {
    control,
    arch: {
      addresses: hardware.map(({ at }) => BigInt(addressOf(code, at))),
      dr7: dr7Of(hardware) | (generalDetect === true ? 0x2000n : 0n),
    },
  };
}
