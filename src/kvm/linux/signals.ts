import { errnoNumbers } from "./ffi/errno.ts";
import type { Libc } from "./ffi/libc.ts";
import { HostMemory } from "./hostMemory.ts";
import { struct } from "./uapi/layout.ts";

/** A real-time signal that neither the C library nor Node uses (signal(7): the C library keeps 32 and 33). */
const interruptSignal = 43;

/** sigevent(3type), `SIGEV_THREAD_ID`. */
const sigevent = struct("sigevent", {
  value: "u64",
  signo: "s32",
  notify: "s32",
  thread: "s32",
  pad: ["s32", 11],
});
const SIGEV_THREAD_ID = 4;

const bit = 1n << BigInt(interruptSignal - 1);

/** Where everything is in the page that the kernel reads. glibc's sigset_t has 128 bytes. */
const place = { set: 0, mask: 128, zeroTime: 256, event: 320, timer: 400, setting: 448 } as const;

/**
 * Interrupts `KVM_RUN` of the thread it is made in. Its signal is blocked but for the time that thread is in the guest
 * (`KVM_SET_SIGNAL_MASK`), so there is no handler and no instant at which an interrupt is lost: one that comes early ends the
 * next `KVM_RUN` at once.
 */
export class Interrupter {
  /** The thread whose `KVM_RUN` it ends. */
  readonly thread: number;
  readonly #libc: Libc;
  readonly #page: HostMemory;
  #timer: number | undefined;
  #milliseconds = 0;

  /** For the calling thread. @throws KvmError */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.thread = libc.gettid();
    this.#page = HostMemory.allocate(libc, 4096);
    this.#page.view.setBigUint64(place.set, bit, true);
    libc.blockSignals(this.#page.address + place.set);
  }

  /** Bytes of a `kvm_signal_mask` that lets the signal in and keeps out what else is blocked, and their address. */
  signalMask(): number {
    const { view, address } = this.#page;
    this.#libc.currentMask(address + place.mask);
    const blocked = view.getBigUint64(place.mask, true) & ~bit;
    // kvm_signal_mask: len, then the kernel's own 8-byte set without padding between.
    view.setUint32(place.mask + 4, 8, true);
    view.setBigUint64(place.mask + 8, blocked, true);
    return address + place.mask + 4;
  }

  /** Ends the thread's present `KVM_RUN`, or its next; from any thread. */
  interrupt(): void {
    this.interruptThread(this.thread);
  }

  /** The same for another thread of this process that has blocked the signal. */
  interruptThread(thread: number): void {
    this.#libc.tgkill(process.pid, thread, interruptSignal);
  }

  /** Address of a sigset_t with the signal. */
  get signalSet(): number {
    return this.#page.address + place.set;
  }

  /** Address of a timespec of zero. */
  get zeroTime(): number {
    return this.#page.address + place.zeroTime;
  }

  /** After a `KVM_RUN` was interrupted: forgets the interrupts that have come. */
  acknowledge(): void {
    const { address } = this.#page;
    while (this.#libc.takeSignal(address + place.set, address + place.zeroTime));
  }

  /** Interrupts every so many milliseconds; 0 ends that. @throws KvmError */
  every(milliseconds: number): void {
    if (milliseconds === this.#milliseconds) return;
    this.#timer ??= this.#createTimer();
    const { view, address } = this.#page;
    const nanoseconds = BigInt(Math.round(milliseconds * 1e6));
    for (const half of [0, 16]) {
      view.setBigUint64(place.setting + half, nanoseconds / 1_000_000_000n, true);
      view.setBigUint64(place.setting + half + 8, nanoseconds % 1_000_000_000n, true);
    }
    this.#libc.timerSettime(this.#timer, address + place.setting);
    this.#milliseconds = milliseconds;
  }

  /** Gives the timer and the page back. */
  close(): void {
    if (this.#timer !== undefined) this.#libc.timerDelete(this.#timer);
    this.#timer = undefined;
    this.acknowledge();
    this.#page.release();
  }

  #createTimer(): number {
    const { view, address } = this.#page;
    view.setInt32(place.event + sigevent.offsets.signo, interruptSignal, true);
    view.setInt32(place.event + sigevent.offsets.notify, SIGEV_THREAD_ID, true);
    view.setInt32(place.event + sigevent.offsets.thread, this.thread, true);
    this.#libc.timerCreate(address + place.event, address + place.timer);
    return Number(view.getBigUint64(place.timer, true));
  }
}

/** Whether a `KVM_RUN` that failed was interrupted. */
export const wasInterrupted = (errno: number): boolean =>
  errno === errnoNumbers.EINTR || errno === errnoNumbers.EAGAIN;
