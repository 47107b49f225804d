import type { NativeFunction } from "../ffi/koffi.ts";

/** Words of the memory that a vCPU's thread shares with the program. */
export const threadWords = { state: 0, file: 1, errno: 2, thread: 3 } as const;

/**
 * What is in `threadWords.thread` while the thread loads native code: Node cannot end it then, but aborts the process. 0 before, its
 * number afterwards.
 */
export const loadingThread = -1;

/** What is in `threadWords.state`. Who may change it: the program from idle, enter and back; the thread from enter and inside. */
export const threadStates = {
  /** Nothing to do. */
  idle: 0,
  /** Told to enter the guest. */
  enter: 1,
  /** In the guest, or on the way. */
  inside: 2,
  /** Out of the guest: the errno tells how. */
  back: 3,
  /** Told to end. */
  stop: 4,
} as const;

/** Words of the memory that all threads of a VM share with the program. */
export const bellWords = {
  /** How often a thread has come back. */
  count: 0,
  /** Whether the program wants a message when one does. */
  asked: 1,
} as const;

/** What the thread is told when it starts. Addresses are of memory of this process. */
export interface ThreadStart {
  /** Where the foreign-function package is. */
  readonly koffi: string;
  readonly words: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  /** A sigset_t with the signal that interrupts. */
  readonly signalSet: number;
  /** A timespec of zero. */
  readonly zeroTime: number;
  readonly kvmRun: number;
}

/** What the thread needs of Node. */
export interface ThreadNode {
  require(id: string): unknown;
  /** Sends the program a message. */
  tell(): void;
}

/**
 * The thread of a vCPU: enters the guest when it is told, and says when the guest has been left. It travels to the thread as
 * text, so it uses nothing but its arguments and what JavaScript has.
 */
export function threadBody(node: ThreadNode, start: ThreadStart): void {
  const load = () => {
    const koffi = node.require(start.koffi) as {
      load(path: string): {
        func(name: string, result: string, parameters: readonly string[]): NativeFunction;
      };
      errno(): number;
    };
    const libc = koffi.load("libc.so.6");
    const ioctl = libc.func("ioctl", "int", ["int", "ulong", "uintptr_t"]);
    const gettid = libc.func("gettid", "int", []);
    const sigmask = libc.func("pthread_sigmask", "int", ["int", "uintptr_t", "uintptr_t"]);
    const sigtimedwait = libc.func("sigtimedwait", "int", ["uintptr_t", "uintptr_t", "uintptr_t"]);
    // SIG_BLOCK
    sigmask(0, start.signalSet, 0);
    return { koffi, ioctl, sigtimedwait, id: gettid() };
  };
  // The words and states of this file, by their values: nothing outside can be seen here.
  const [state, file, errno, thread] = [0, 1, 2, 3];
  const [enter, inside, back, stop] = [1, 2, 3, 4];
  const [count, asked] = [0, 1];
  const [loading, eintr] = [-1, 4];
  const words = new Int32Array(start.words);
  const bell = new Int32Array(start.bell);
  let native: ReturnType<typeof load> | undefined;
  // Who ends the thread says so first, and then looks whether it loads: one of the two sees the other.
  Atomics.store(words, thread, loading);
  try {
    if (Atomics.load(words, state) !== stop) native = load();
  } finally {
    Atomics.store(words, thread, native?.id ?? 0);
    Atomics.notify(words, thread);
  }
  if (native === undefined) return;
  const { koffi, ioctl, sigtimedwait } = native;
  for (;;) {
    const now = Atomics.compareExchange(words, state, enter, inside);
    if (now === stop) return;
    if (now !== enter) {
      Atomics.wait(words, state, now);
      continue;
    }
    const failed = ioctl(Atomics.load(words, file), start.kvmRun, 0) !== 0;
    const reason = failed ? koffi.errno() : 0;
    if (reason === eintr) while (sigtimedwait(start.signalSet, 0, start.zeroTime) > 0);
    Atomics.store(words, errno, reason);
    // Told to stop in the meantime, it stops.
    if (Atomics.compareExchange(words, state, inside, back) !== inside) return;
    Atomics.notify(words, state);
    Atomics.add(bell, count, 1);
    Atomics.notify(bell, count);
    if (Atomics.exchange(bell, asked, 0) === 1) node.tell();
  }
}
