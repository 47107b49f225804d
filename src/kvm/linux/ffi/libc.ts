import { type Errno, KvmError } from "../../errors.ts";
import { errnoName } from "./errno.ts";
import { type Koffi, loadKoffi, type NativeFunction } from "./koffi.ts";

/** Flags of open(2) and mmap(2) (asm-generic/fcntl.h, asm-generic/mman-common.h). */
const openFlags = { O_RDWR: 0o2, O_CLOEXEC: 0o2000000 } as const;
const protection = { PROT_READ: 1, PROT_WRITE: 2 } as const;
const mapFlags = {
  MAP_SHARED: 1,
  MAP_PRIVATE: 2,
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_NORESERVE: 0x4000,
};
const SIG_BLOCK = 0;

const readWrite = protection.PROT_READ | protection.PROT_WRITE;
const anonymous = mapFlags.MAP_PRIVATE | mapFlags.MAP_ANONYMOUS | mapFlags.MAP_NORESERVE;

/** The error for an errno. @param what the call, in words */
export function errorOf(errno: number, what: string): KvmError {
  const name: Errno | undefined = errnoName(errno);
  return name === undefined ? new KvmError("EIO", `${what}: errno ${errno}`) : new KvmError(name, what);
}

interface Range {
  readonly address: number;
  readonly bytes: number;
}

/**
 * The functions of the C library that the substrate calls. Pointers are plain numbers (user space ends below 2⁵³ on every
 * 64-bit Linux), structures live in memory that both sides see, so nothing is converted or allocated per call.
 */
export class Libc {
  /** ioctl(2): negative on failure, and then `errno` tells. Bound as it is, because it is called for every exit. */
  readonly ioctl: (file: number, request: number, argument: number) => number;
  readonly #koffi: Koffi;
  readonly #open: NativeFunction;
  readonly #close: NativeFunction;
  readonly #mmap: NativeFunction;
  readonly #munmap: NativeFunction;
  readonly #gettid: NativeFunction;
  readonly #tgkill: NativeFunction;
  readonly #sigmask: NativeFunction;
  readonly #sigtimedwait: NativeFunction;
  readonly #timerCreate: NativeFunction;
  readonly #timerSettime: NativeFunction;
  readonly #timerDelete: NativeFunction;
  readonly #unmapWhenUnseen: FinalizationRegistry<Range>;

  /** @throws SubstrateError when the foreign-function package is missing. */
  constructor() {
    this.#koffi = loadKoffi();
    const library = this.#koffi.load("libc.so.6");
    this.ioctl = library.func("ioctl", "int", ["int", "ulong", "uintptr_t"]);
    this.#open = library.func("open", "int", ["str", "int"]);
    this.#close = library.func("close", "int", ["int"]);
    this.#mmap = library.func("mmap", "intptr_t", ["uintptr_t", "size_t", "int", "int", "int", "int64_t"]);
    this.#munmap = library.func("munmap", "int", ["uintptr_t", "size_t"]);
    this.#gettid = library.func("gettid", "int", []);
    this.#tgkill = library.func("tgkill", "int", ["int", "int", "int"]);
    this.#sigmask = library.func("pthread_sigmask", "int", ["int", "uintptr_t", "uintptr_t"]);
    this.#sigtimedwait = library.func("sigtimedwait", "int", ["uintptr_t", "uintptr_t", "uintptr_t"]);
    this.#timerCreate = library.func("timer_create", "int", ["int", "uintptr_t", "uintptr_t"]);
    this.#timerSettime = library.func("timer_settime", "int", ["uintptr_t", "int", "uintptr_t", "uintptr_t"]);
    this.#timerDelete = library.func("timer_delete", "int", ["uintptr_t"]);
    const munmap = this.#munmap;
    this.#unmapWhenUnseen = new FinalizationRegistry(({ address, bytes }) => {
      munmap(address, bytes);
    });
  }

  /** What the last call that failed in this thread left. */
  get errno(): number {
    return this.#koffi.errno();
  }

  /** The error of the last call. @param what the call, in words */
  lastError(what: string): KvmError {
    return errorOf(this.errno, what);
  }

  /** Opens a file for reading and writing. @throws KvmError with open's errno. */
  open(path: string): number {
    return this.#checked(this.#open(path, openFlags.O_RDWR | openFlags.O_CLOEXEC), path);
  }

  /** Closes a file; failures say nothing of use. */
  close(file: number): void {
    this.#close(file);
  }

  /** Maps a device's memory, shared with the kernel. @returns the address. @throws KvmError */
  mapFile(file: number, bytes: number): number {
    return this.#checked(this.#mmap(0, bytes, readWrite, mapFlags.MAP_SHARED, file, 0), "mmap");
  }

  /** Maps zeroed memory that takes no room until it is touched. @returns the address. @throws KvmError ENOMEM */
  mapAnonymous(bytes: number): number {
    return this.#checked(
      this.#mmap(0, bytes, readWrite, anonymous, -1, 0),
      `no ${bytes} bytes of host memory for the guest`,
    );
  }

  /** Puts zeroed memory in the place of a mapping, whatever that was. @throws KvmError */
  replaceByAnonymous(address: number, bytes: number): void {
    this.#checked(this.#mmap(address, bytes, readWrite, anonymous | mapFlags.MAP_FIXED, -1, 0), "mmap");
  }

  /** Memory of a mapping, without a copy; the mapping ends once no view of it can be reached. */
  viewMapping(address: number, bytes: number): ArrayBuffer {
    const buffer = this.view(address, bytes);
    this.#unmapWhenUnseen.register(buffer, { address, bytes });
    return buffer;
  }

  /** Memory at an address, without a copy; somebody else sees to it that it stays mapped. */
  view(address: number, bytes: number): ArrayBuffer {
    return this.#koffi.view(BigInt(address), bytes);
  }

  /** The calling thread's id. */
  gettid(): number {
    return this.#gettid();
  }

  /** Sends a signal to one thread of a process; false when it is gone. */
  tgkill(process: number, thread: number, signal: number): boolean {
    return this.#tgkill(process, thread, signal) === 0;
  }

  /** Blocks the signals of a set in the calling thread. @param set address of a sigset_t */
  blockSignals(set: number): void {
    this.#sigmask(SIG_BLOCK, set, 0);
  }

  /** Writes the calling thread's blocked signals to a sigset_t. @param set its address */
  currentMask(set: number): void {
    this.#sigmask(SIG_BLOCK, 0, set);
  }

  /** Takes a pending signal of a set away without a handler; false when none was pending. @param timeout address of a timespec */
  takeSignal(set: number, timeout: number): boolean {
    return this.#sigtimedwait(set, 0, timeout) > 0;
  }

  /** timer_create(2) on CLOCK_MONOTONIC. @param event address of a sigevent @param timer address where timer_t goes @throws KvmError */
  timerCreate(event: number, timer: number): void {
    this.#checked(this.#timerCreate(1, event, timer), "timer_create");
  }

  /** timer_settime(2), relative. @param setting address of an itimerspec */
  timerSettime(timer: number, setting: number): void {
    this.#timerSettime(timer, 0, setting, 0);
  }

  timerDelete(timer: number): void {
    this.#timerDelete(timer);
  }

  #checked(result: number, what: string): number {
    if (result === -1) throw this.lastError(what);
    return result;
  }
}
