import type { HostMemory } from "../hostMemory.ts";
import { interruptShadows } from "../uapi/x86_64/constants.ts";
import { kvmRun, kvmSegment, kvmSyncRegs } from "../uapi/x86_64/structures.ts";

const { debug } = kvmRun.members.exit.members;
const dr6At = kvmRun.offsets.exit + debug.offsets.arch + debug.members.arch.offsets.dr6;

/** `kvm_run.kvm_valid_regs`: what every exit brings along, registers, special registers and events. */
const broughtAlong = 0b111n;

const { regs: regsMember, sregs: sregsMember, events: eventsMember } = kvmSyncRegs.members;
const regsAt = kvmRun.offsets.s + kvmSyncRegs.offsets.regs;
const sregsAt = kvmRun.offsets.s + kvmSyncRegs.offsets.sregs;
const eventsAt = kvmRun.offsets.s + kvmSyncRegs.offsets.events;
/** CR0.PG. */
const pagingEnable = 1 << 31;

const brought = {
  rip: regsAt + regsMember.offsets.rip,
  rcx: regsAt + regsMember.offsets.rcx,
  rflags: regsAt + regsMember.offsets.rflags,
  csBase: sregsAt + sregsMember.offsets.cs + kvmSegment.offsets.base,
  csLong: sregsAt + sregsMember.offsets.cs + kvmSegment.offsets.l,
  cr0: sregsAt + sregsMember.offsets.cr0,
  cr3: sregsAt + sregsMember.offsets.cr3,
  idt: sregsAt + sregsMember.offsets.idt,
  ssDpl: sregsAt + sregsMember.offsets.ss + kvmSegment.offsets.dpl,
  exceptionInjected: eventsAt + eventsMember.members.exception.offsets.injected,
  exceptionPending: eventsAt + eventsMember.members.exception.offsets.pending,
  shadow: eventsAt + eventsMember.offsets.interrupt + eventsMember.members.interrupt.offsets.shadow,
} as const;

/** What the last `KVM_RUN` brought along: how the vCPU was when it came out of the guest. Read without an allocation where that counts. */
export class LastExit {
  readonly #view: DataView;

  /** Asks the kernel to bring it along. */
  constructor({ view }: HostMemory) {
    this.#view = view;
    view.setBigUint64(kvmRun.offsets.kvm_valid_regs, broughtAlong, true);
  }

  /** After a debug exit: DR6's lower half. */
  get dr6(): number {
    return this.#view.getUint32(dr6At, true);
  }

  /** RFLAGS' lower half. */
  get rflags(): number {
    return this.#view.getUint32(brought.rflags, true);
  }

  /** The linear address of the next instruction. */
  get pc(): bigint {
    const view = this.#view;
    const rip = view.getBigUint64(brought.rip, true);
    return view.getUint8(brought.csLong) !== 0 ? rip : rip + view.getBigUint64(brought.csBase, true);
  }

  /** The lower half of `pc`, without an allocation. */
  get pcLow(): number {
    const view = this.#view;
    const rip = view.getUint32(brought.rip, true);
    const long = view.getUint8(brought.csLong) !== 0;
    return (long ? rip : rip + view.getUint32(brought.csBase, true)) >>> 0;
  }

  /** The upper half of RIP, which is that of `pc` in long mode. */
  get pcHigh(): number {
    return this.#view.getUint32(brought.rip + 4, true);
  }

  /** The lower half of CR3, which tells address spaces apart. */
  get cr3(): number {
    return this.#view.getUint32(brought.cr3, true);
  }

  /** The lower half of the interrupt table's address. */
  get idtLow(): number {
    return this.#view.getUint32(brought.idt, true);
  }

  /** The upper half. */
  get idtHigh(): number {
    return this.#view.getUint32(brought.idt + 4, true);
  }

  /** Whether the guest executes 64-bit code. */
  get long(): boolean {
    return this.#view.getUint8(brought.csLong) !== 0;
  }

  /** Whether the guest is in real mode. */
  get realMode(): boolean {
    return (this.#view.getUint8(brought.cr0) & 1) === 0;
  }

  /** Whether paging is on. */
  get paging(): boolean {
    return (this.#view.getUint32(brought.cr0, true) & pagingEnable) !== 0;
  }

  /** Whether the guest is in user mode. */
  get user(): boolean {
    return this.#view.getUint8(brought.ssDpl) === 3;
  }

  /** Whether RCX is 0, so that a repeated string instruction has nothing left to do. */
  get noCount(): boolean {
    const view = this.#view;
    return view.getUint32(brought.rcx, true) === 0 && view.getUint32(brought.rcx + 4, true) === 0;
  }

  /** Whether an exception is on its way into the guest. */
  get exception(): boolean {
    const view = this.#view;
    return view.getUint8(brought.exceptionInjected) !== 0 || view.getUint8(brought.exceptionPending) !== 0;
  }

  /** Whether MOV SS or POP SS holds interrupts and debug traps back. */
  get movSsShadow(): boolean {
    return (this.#view.getUint8(brought.shadow) & interruptShadows.KVM_X86_SHADOW_INT_MOV_SS) !== 0;
  }
}
