import type { X86Segment } from "../../uapi/x86_64/records.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";
import { resumeFlag } from "./bits.ts";
import type { GuestMemory } from "./guestMemory.ts";

/** MSRs of SYSCALL and SYSRET (Intel SDM volume 4). */
const msr = { star: 0xc000_0081, lstar: 0xc000_0082, sfmask: 0xc000_0084 } as const;

/** What SYSRET takes from R11; bit 1 is one (SDM volume 2, SYSRET). */
const sysretFlags = 0x3c_7fd7n;

/** What IRETQ, and the handler of an exception, finds on the stack. */
export interface InterruptFrame {
  readonly rip: bigint;
  readonly cs: number;
  readonly rflags: bigint;
  readonly rsp: bigint;
  readonly ss: number;
}

/** The frame of 64-bit mode at an address (SDM volume 3, 6.14.2); undefined where it cannot be read. */
export function frameAt(address: bigint, memory: GuestMemory): InterruptFrame | undefined {
  const word = (index: number): bigint | undefined => memory.number(address + BigInt(8 * index), 8);
  const [rip, cs, rflags, rsp, ss] = [word(0), word(1), word(2), word(3), word(4)];
  if (rip === undefined || cs === undefined || rflags === undefined) return undefined;
  if (rsp === undefined || ss === undefined) return undefined;
  return { rip, cs: Number(cs & 0xffffn), rflags, rsp, ss: Number(ss & 0xffffn) };
}

/** Whether a frame is of user mode. */
export const isUserFrame = ({ cs }: InterruptFrame): boolean => (cs & 3) === 3;

/** A segment as its descriptor in the GDT says (SDM volume 3, 3.4.5); undefined where there is none in use. */
function segmentOf(
  selector: number,
  gdt: { readonly base: bigint; readonly limit: number },
  memory: GuestMemory,
): X86Segment | undefined {
  const offset = selector & 0xfff8;
  if ((selector & 4) !== 0 || offset === 0 || offset + 7 > gdt.limit) return undefined;
  const raw = memory.number(gdt.base + BigInt(offset), 8);
  if (raw === undefined) return undefined;
  const field = (from: number, bits: number): number =>
    Number((raw >> BigInt(from)) & ((1n << BigInt(bits)) - 1n));
  if (field(44, 1) === 0 || field(47, 1) === 0) return undefined;
  const limit = field(0, 16) | (field(48, 4) << 16);
  const g = field(55, 1);
  return {
    base: BigInt(field(16, 24)) | (BigInt(field(56, 8)) << 24n),
    limit: g === 0 ? limit : ((limit << 12) | 0xfff) >>> 0,
    selector,
    type: field(40, 4) | 1,
    present: 1,
    dpl: field(45, 2),
    db: field(54, 1),
    s: 1,
    l: field(53, 1),
    g,
    avl: field(52, 1),
    unusable: 0,
    padding: 0,
  };
}

/**
 * Puts a vCPU in 64-bit mode where a frame of user mode says: what IRETQ does when nothing of it faults. @returns false, with nothing
 * changed, when something would: then it is the processor's to do.
 */
export function returnTo(vcpu: X86VcpuFile, frame: InterruptFrame, memory: GuestMemory): boolean {
  const sregs = vcpu.getSregs();
  const cs = segmentOf(frame.cs, sregs.gdt, memory);
  const ss = segmentOf(frame.ss, sregs.gdt, memory);
  if (cs === undefined || ss === undefined || cs.dpl !== 3 || ss.dpl !== 3) return false;
  if ((cs.type & 8) === 0 || (ss.type & 8) !== 0) return false;
  vcpu.setSregs({ ...sregs, cs, ss });
  vcpu.setRegs({ ...vcpu.getRegs(), rip: frame.rip, rsp: frame.rsp, rflags: frame.rflags | 2n });
  return true;
}

const operandSize = 0x66;

/** EFLAGS that IRET loads at level 0: all but reserved ones, VM, VIF and VIP. */
const iretFlags = 0x27_7fd7n;
const nestedTask = 0x4000n;
const virtual8086 = 0x2_0000n;

/**
 * IRET of protected mode at level 0, to the same level or an outer one (SDM volume 2, IRET). @returns false, with nothing changed,
 * for returns to another task or virtual-8086 mode, and where something would fault
 */
export function iretProtected(vcpu: X86VcpuFile, memory: GuestMemory): boolean {
  const [sregs, regs] = [vcpu.getSregs(), vcpu.getRegs()];
  if (sregs.cs.l === 1 || sregs.ss.dpl !== 0 || (regs.rflags & (nestedTask | virtual8086)) !== 0n)
    return false;
  const prefixed = memory.byte(sregs.cs.base + regs.rip) === operandSize;
  const size = (sregs.cs.db === 1) !== prefixed ? 4 : 2;
  const stackMask = sregs.ss.db === 1 ? 0xffff_ffffn : 0xffffn;
  const pop = (index: number): bigint | undefined =>
    memory.number(sregs.ss.base + ((regs.rsp + BigInt(size * index)) & stackMask), size);
  const [eip, selector, eflags] = [pop(0), pop(1), pop(2)];
  if (eip === undefined || selector === undefined || eflags === undefined) return false;
  if (size === 4 && (eflags & virtual8086) !== 0n) return false;
  const level = Number(selector & 3n);
  const cs = segmentOf(Number(selector & 0xffffn), sregs.gdt, memory);
  if (cs === undefined || !isCodeFor(cs, level) || eip > BigInt(cs.limit)) return false;
  const loaded = size === 4 ? iretFlags : iretFlags & 0xffffn;
  const rflags = (regs.rflags & ~loaded & ~resumeFlag) | (eflags & loaded) | 2n;
  if (level === 0) {
    const rsp = (regs.rsp & ~stackMask) | ((regs.rsp + BigInt(3 * size)) & stackMask);
    vcpu.setSregs({ ...sregs, cs });
    vcpu.setRegs({ ...regs, rip: eip, rsp, rflags });
    return true;
  }
  const [rsp, stack] = [pop(3), pop(4)];
  if (rsp === undefined || stack === undefined || Number(stack & 3n) !== level) return false;
  const ss = segmentOf(Number(stack & 0xffffn), sregs.gdt, memory);
  if (ss === undefined || ss.dpl !== level || (ss.type & codeOrReadOnly) !== writableData) return false;
  const kept = (segment: X86Segment): X86Segment =>
    segment.dpl >= level || (segment.type & conformingCode) === conformingCode ? segment : nullOf(segment);
  const { ds, es, fs, gs } = sregs;
  vcpu.setSregs({ ...sregs, cs, ss, ds: kept(ds), es: kept(es), fs: kept(fs), gs: kept(gs) });
  vcpu.setRegs({ ...regs, rip: eip, rsp, rflags });
  return true;
}

/** Bits of a segment's type: code; writable, for data; conforming, for code (SDM volume 3, 3.4.5.1). */
const codeOrReadOnly = 0xa;
const writableData = 2;
const conformingCode = 0xc;

/** Whether it is code of this level, or conforming code of an inner one. */
function isCodeFor({ type, dpl }: X86Segment, level: number): boolean {
  if ((type & 8) === 0) return false;
  return (type & conformingCode) === conformingCode ? dpl <= level : dpl === level;
}

/** A data segment register with a null selector. */
const nullOf = (segment: X86Segment): X86Segment => ({ ...segment, selector: 0, unusable: 1, present: 0 });

/** Flat segments that SYSCALL and SYSRET load without looking at descriptors. */
function flat(selector: number, kind: "code" | "data", level: number): X86Segment {
  return {
    base: 0n,
    limit: 0xffff_ffff,
    selector,
    type: kind === "code" ? 0xb : 3,
    present: 1,
    dpl: level,
    db: kind === "code" ? 0 : 1,
    s: 1,
    l: kind === "code" ? 1 : 0,
    g: 1,
    avl: 0,
    unusable: 0,
    padding: 0,
  };
}

/** SYSCALL of 64-bit mode, switched on (SDM volume 2, SYSCALL). */
export function syscall(vcpu: X86VcpuFile): void {
  const selector = Number((vcpu.getMsr(msr.star) >> 32n) & 0xfffcn);
  const regs = vcpu.getRegs();
  const rflags = regs.rflags & ~resumeFlag;
  vcpu.setSregs({
    ...vcpu.getSregs(),
    cs: flat(selector, "code", 0),
    ss: flat(selector + 8, "data", 0),
  });
  vcpu.setRegs({
    ...regs,
    rcx: regs.rip + 2n,
    r11: rflags,
    rip: vcpu.getMsr(msr.lstar),
    rflags: (rflags & ~vcpu.getMsr(msr.sfmask)) | 2n,
  });
}

/** SYSRET to 64-bit mode (SDM volume 2, SYSRET). */
export function sysretq(vcpu: X86VcpuFile): void {
  const base = Number(vcpu.getMsr(msr.star) >> 48n);
  const regs = vcpu.getRegs();
  vcpu.setSregs({
    ...vcpu.getSregs(),
    cs: flat((base + 16) | 3, "code", 3),
    ss: flat((base + 8) | 3, "data", 3),
  });
  vcpu.setRegs({ ...regs, rip: regs.rcx, rflags: (regs.r11 & sysretFlags) | 2n });
}
