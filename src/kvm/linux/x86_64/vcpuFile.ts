import { KvmError } from "../../errors.ts";
import type { X86Exit } from "../../exits.ts";
import type { X86GuestDebug } from "../../guestDebug.ts";
import type { MpState, Translation } from "../../interface.ts";
import { errorOf, type Libc } from "../ffi/libc.ts";
import { HostMemory } from "../hostMemory.ts";
import { type Interrupter, wasInterrupted } from "../signals.ts";
import type { VcpuThread } from "../thread/vcpuThread.ts";
import { mpStates } from "../uapi/constants.ts";
import { decode, encode, type Layout, type Members, type ValueOf } from "../uapi/layout.ts";
import { kvmMpState, kvmTranslation } from "../uapi/structures.ts";
import { x86Ioctls } from "../uapi/x86_64/ioctls.ts";
import type {
  X86CpuidEntry,
  X86DebugRegs,
  X86Fpu,
  X86Regs,
  X86Sregs,
  X86VcpuEvents,
  X86Xcrs,
} from "../uapi/x86_64/records.ts";
import {
  kvmCpuid2,
  kvmCpuidEntry2,
  kvmDebugregs,
  kvmFpu,
  kvmGuestDebug,
  kvmLapicState,
  kvmMsrEntry,
  kvmMsrs,
  kvmRegs,
  kvmRun,
  kvmSregs,
  kvmVcpuEvents,
  kvmXcrs,
  kvmXsave,
} from "../uapi/x86_64/structures.ts";
import { ExitReader } from "./exitReader.ts";
import { LastExit } from "./lastExit.ts";

/** Room for the arguments of ioctls; the largest are 300 CPUID entries. */
const argumentBytes = 16384;

const mmioData = kvmRun.offsets.exit + kvmRun.members.exit.members.mmio.offsets.data;

const longModeActive = 0x400n;
const la57 = 0x1000n;

const intr: X86Exit = { reason: "INTR" };

/** What a vCPU is made of. */
export interface X86VcpuParts {
  readonly libc: Libc;
  readonly id: number;
  readonly file: number;
  readonly mmapSize: number;
  readonly interrupter: Interrupter;
}

/** A vCPU as the host's KVM has it: its ioctls by their names, and `KVM_RUN` in the calling thread. */
export class X86VcpuFile {
  readonly id: number;
  /** How the vCPU was when it last came out of the guest. */
  readonly last: LastExit;
  readonly #libc: Libc;
  readonly #file: number;
  readonly #run: HostMemory;
  readonly #argument: HostMemory;
  readonly #exits: ExitReader;
  readonly #interrupter: Interrupter;
  #thread: VcpuThread | undefined;

  /** @throws KvmError */
  constructor({ libc, id, file, mmapSize, interrupter }: X86VcpuParts) {
    this.id = id;
    this.#libc = libc;
    this.#file = file;
    this.#run = HostMemory.ofFile(libc, file, mmapSize);
    this.#argument = HostMemory.allocate(libc, argumentBytes);
    this.#exits = new ExitReader(this.#run);
    this.#interrupter = interrupter;
    this.last = new LastExit(this.#run);
    this.#ioctl("KVM_SET_SIGNAL_MASK", interrupter.signalMask());
  }

  /**
   * `KVM_RUN`, until the guest needs somebody or something interrupts it. The exit is to be read before the next run.
   * @throws KvmError what the kernel answers; EFAULT when guest memory cannot be had
   */
  run(): X86Exit {
    if (this.#libc.ioctl(this.#file, x86Ioctls.KVM_RUN, 0) === 0) return this.#exits.read();
    return this.#interrupted();
  }

  /** Whether it can run in a thread of its own. */
  get hasThread(): boolean {
    return this.#thread?.isReady === true;
  }

  /** Whether it has come back from its thread's run, and `leave` has not been called. */
  get hasReturned(): boolean {
    return this.#thread?.hasReturned === true;
  }

  /** Whether it runs in its thread. Asking it anything takes it out. */
  get isAway(): boolean {
    return this.#thread?.isAway === true;
  }

  /** `KVM_RUN` in the vCPU's thread: `leave` tells how that ended, once `isAway` is over. @throws KvmError EBUSY without a thread */
  enter(): void {
    if (this.#thread === undefined) throw new KvmError("EBUSY", "the vCPU has no thread");
    this.#thread.enter(this.#file);
  }

  /** Ends its `KVM_RUN` in its thread, and sleeps until it is out. */
  halt(): void {
    this.#thread?.halt();
  }

  /**
   * After it was away: the exit, which is to be read before the next run; undefined when it was halted before it began.
   * @throws KvmError as `run`
   */
  leave(): X86Exit | undefined {
    const errno = this.#thread?.take() ?? -1;
    if (errno === 0) return this.#exits.read();
    if (errno < 0) return undefined;
    if (wasInterrupted(errno)) return intr;
    throw errorOf(errno, "KVM_RUN");
  }

  /**
   * Completes the instruction that the last exit is in the middle of (port input and output, MMIO), without executing another.
   * @returns what came instead, if its completion needs another exit; undefined when it is complete.
   */
  complete(): X86Exit | undefined {
    const { view } = this.#run;
    view.setUint8(kvmRun.offsets.immediate_exit, 1);
    const result = this.#libc.ioctl(this.#file, x86Ioctls.KVM_RUN, 0);
    view.setUint8(kvmRun.offsets.immediate_exit, 0);
    if (result === 0) return this.#exits.read();
    // An interrupt that has come stays pending, for the next run.
    if (!wasInterrupted(this.#libc.errno)) throw this.#libc.lastError("KVM_RUN");
    return undefined;
  }

  /** Brings `last` up to date, where no exit is to be completed. */
  refresh(): void {
    this.complete();
  }

  /** The data of an MMIO read exit, before the vCPU runs again. */
  completeMmio(data: bigint): void {
    this.#run.view.setBigUint64(mmioData, BigInt.asUintN(64, data), true);
  }

  getRegs(): X86Regs {
    return this.#get("KVM_GET_REGS", kvmRegs);
  }

  /** @throws KvmError EINVAL */
  setRegs(regs: X86Regs): void {
    this.#set("KVM_SET_REGS", kvmRegs, regs);
  }

  getSregs(): X86Sregs {
    return this.#get("KVM_GET_SREGS", kvmSregs);
  }

  /** @throws KvmError EINVAL for control registers that contradict each other. */
  setSregs(sregs: X86Sregs): void {
    this.#set("KVM_SET_SREGS", kvmSregs, sregs);
  }

  getFpu(): X86Fpu {
    return this.#get("KVM_GET_FPU", kvmFpu);
  }

  /** All but MXCSR, which KVM neither gives nor takes here; an XSAVE image may still show the old state, so use one or the other. */
  setFpu(fpu: X86Fpu): void {
    this.#set("KVM_SET_FPU", kvmFpu, fpu);
  }

  /** The image of XSAVE in its standard form, 4096 bytes (Intel SDM volume 1, 13.4): MXCSR and vector registers too. */
  getXsave(): Uint8Array {
    this.#ioctl("KVM_GET_XSAVE", this.#argument.address);
    return this.#argument.bytes.slice(0, kvmXsave.size);
  }

  /** @throws KvmError EINVAL for an image that has what this vCPU has not. */
  setXsave(image: Uint8Array): void {
    this.#argument.bytes.set(image.subarray(0, kvmXsave.size));
    this.#ioctl("KVM_SET_XSAVE", this.#argument.address);
  }

  /** The local APIC's registers. @throws KvmError EINVAL without one in the kernel */
  getLapic(): Uint8Array {
    this.#ioctl("KVM_GET_LAPIC", this.#argument.address);
    return this.#argument.bytes.slice(0, kvmLapicState.size);
  }

  /** @throws KvmError EINVAL */
  setLapic(registers: Uint8Array): void {
    this.#argument.bytes.set(registers.subarray(0, kvmLapicState.size));
    this.#ioctl("KVM_SET_LAPIC", this.#argument.address);
  }

  getXcrs(): X86Xcrs {
    return this.#get("KVM_GET_XCRS", kvmXcrs);
  }

  setXcrs(xcrs: X86Xcrs): void {
    this.#set("KVM_SET_XCRS", kvmXcrs, xcrs);
  }

  /** The guest's own debug registers. */
  getDebugRegs(): X86DebugRegs {
    return this.#get("KVM_GET_DEBUGREGS", kvmDebugregs);
  }

  setDebugRegs(registers: X86DebugRegs): void {
    this.#set("KVM_SET_DEBUGREGS", kvmDebugregs, registers);
  }

  getVcpuEvents(): X86VcpuEvents {
    return this.#get("KVM_GET_VCPU_EVENTS", kvmVcpuEvents);
  }

  setVcpuEvents(events: X86VcpuEvents): void {
    this.#set("KVM_SET_VCPU_EVENTS", kvmVcpuEvents, events);
  }

  /** A model-specific register. @throws KvmError EINVAL when this vCPU has none of that index. */
  getMsr(index: number): bigint {
    this.#encodeMsr(index, 0n);
    if (this.#ioctl("KVM_GET_MSRS", this.#argument.address) !== 1) throw noMsr(index);
    return this.#argument.view.getBigUint64(kvmMsrs.size + kvmMsrEntry.offsets.data, true);
  }

  /** @throws KvmError EINVAL for an index there is no register of, and for a value it cannot take. */
  setMsr(index: number, value: bigint): void {
    this.#encodeMsr(index, value);
    if (this.#ioctl("KVM_SET_MSRS", this.#argument.address) !== 1) throw noMsr(index, value);
  }

  /** `KVM_SET_CPUID2`: what the guest's CPUID tells. */
  setCpuid(entries: readonly X86CpuidEntry[]): void {
    const { view, address } = this.#argument;
    if (kvmCpuid2.size + entries.length * kvmCpuidEntry2.size > argumentBytes)
      throw new KvmError("E2BIG", `${entries.length} CPUID entries`);
    encode(kvmCpuid2, view, { nent: entries.length, padding: 0 });
    entries.forEach((entry, i) => {
      encode(kvmCpuidEntry2, view, entry, kvmCpuid2.size + i * kvmCpuidEntry2.size);
    });
    this.#ioctl("KVM_SET_CPUID2", address);
  }

  /** `KVM_SET_GUEST_DEBUG`. @throws KvmError EINVAL on control bits this KVM does not know. */
  setGuestDebug({ control, arch }: X86GuestDebug): void {
    const debugreg = [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n];
    arch?.addresses.forEach((address, i) => {
      debugreg[i] = address;
    });
    debugreg[7] = arch?.dr7 ?? 0n;
    this.#set("KVM_SET_GUEST_DEBUG", kvmGuestDebug, { control, pad: 0, arch: { debugreg } });
  }

  /** `KVM_TRANSLATE`: what is behind a linear address, undefined when not mapped or not canonical. */
  translate(address: bigint): Translation | undefined {
    if (BigInt.asIntN(48, address) !== BigInt.asIntN(64, address) && !this.#takes(address)) return undefined;
    encode(kvmTranslation, this.#argument.view, { linear_address: BigInt.asUintN(64, address) });
    this.#ioctl("KVM_TRANSLATE", this.#argument.address);
    const { physical_address, valid, writeable, usermode } = decode(kvmTranslation, this.#argument.view);
    if (valid === 0) return undefined;
    return { physicalAddress: physical_address, writeable: writeable !== 0, usermode: usermode !== 0 };
  }

  /** `KVM_GET_MP_STATE`. */
  get mpState(): MpState {
    switch (this.#get("KVM_GET_MP_STATE", kvmMpState).mp_state) {
      case mpStates.KVM_MP_STATE_RUNNABLE:
        return "RUNNABLE";
      case mpStates.KVM_MP_STATE_HALTED:
        return "HALTED";
      default:
        return "STOPPED";
    }
  }

  /** `KVM_SET_MP_STATE`; STOPPED waits for INIT and SIPI, as application processors do after reset. */
  setMpState(state: MpState): void {
    const number = {
      RUNNABLE: mpStates.KVM_MP_STATE_RUNNABLE,
      HALTED: mpStates.KVM_MP_STATE_HALTED,
      STOPPED: mpStates.KVM_MP_STATE_UNINITIALIZED,
    }[state];
    this.#set("KVM_SET_MP_STATE", kvmMpState, { mp_state: number });
  }

  /** Ends the present `KVM_RUN` of the calling thread, or the next one, with an INTR exit. */
  interrupt(): void {
    this.#interrupter.interrupt();
  }

  /** Gives it a thread to run in, which ends with it. */
  setThread(thread: VcpuThread): void {
    this.#thread = thread;
  }

  /** Ends its thread, if it has one: it has left the guest when this returns. */
  endThread(): void {
    this.#thread?.close();
  }

  /** The vCPU's end; it must not be used any more. */
  close(): void {
    this.endThread();
    this.#run.release();
    this.#argument.release();
    this.#libc.close(this.#file);
  }

  #interrupted(): X86Exit {
    if (!wasInterrupted(this.#libc.errno)) throw this.#libc.lastError("KVM_RUN");
    this.#interrupter.acknowledge();
    return intr;
  }

  /** Whether the mode has an address of more than 48 bits: KVM walks without looking at those above. */
  #takes(address: bigint): boolean {
    const { efer, cr4 } = this.getSregs();
    if ((efer & longModeActive) === 0n) return true;
    return (cr4 & la57) !== 0n && BigInt.asIntN(57, address) === BigInt.asIntN(64, address);
  }

  #encodeMsr(index: number, data: bigint): void {
    encode(kvmMsrs, this.#argument.view, { nmsrs: 1, pad: 0 });
    encode(kvmMsrEntry, this.#argument.view, { index, reserved: 0, data }, kvmMsrs.size);
  }

  #get<M extends Members>(name: keyof typeof x86Ioctls, layout: Layout<M>): ValueOf<Layout<M>> {
    this.#ioctl(name, this.#argument.address);
    return decode(layout, this.#argument.view);
  }

  #set<M extends Members>(name: keyof typeof x86Ioctls, layout: Layout<M>, value: ValueOf<Layout<M>>): void {
    encode(layout, this.#argument.view, value);
    this.#ioctl(name, this.#argument.address);
  }

  #ioctl(name: keyof typeof x86Ioctls, argument: number): number {
    // The kernel would let the caller wait until the guest comes back, if ever.
    if (this.isAway) this.halt();
    const result = this.#libc.ioctl(this.#file, x86Ioctls[name], argument);
    if (result < 0) throw this.#libc.lastError(name);
    return result;
  }
}

function noMsr(index: number, value?: bigint): KvmError {
  const written = value === undefined ? "" : `, or it cannot be 0x${value.toString(16)}`;
  return new KvmError("EINVAL", `there is no MSR 0x${index.toString(16)}${written}`);
}
