import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { KvmError } from "../../errors.ts";
import type { Interrupter } from "../signals.ts";
import { ioctls } from "../uapi/ioctls.ts";
import type { Bell } from "./bell.ts";
import { loadingThread, type ThreadStart, threadBody, threadStates, threadWords } from "./body.ts";

const { state, file, errno, thread } = threadWords;
const { idle, enter, inside, back, stop } = threadStates;

/** Milliseconds after which a thread that has not come back is called once more. */
const patience = 20;

/** A thread in which a vCPU runs, so that the program and other vCPUs go on meanwhile. */
export class VcpuThread {
  readonly #interrupter: Interrupter;
  readonly #worker: Worker;
  readonly #words: Int32Array;
  #failure: Error | undefined;

  /** Starts it; it is not ready yet. */
  constructor(interrupter: Interrupter, bell: Bell) {
    this.#interrupter = interrupter;
    const words = new SharedArrayBuffer(4 * Object.keys(threadWords).length);
    this.#words = new Int32Array(words);
    const start: ThreadStart = {
      koffi: createRequire(import.meta.url).resolve("koffi"),
      words,
      bell: bell.shared,
      signalSet: interrupter.signalSet,
      zeroTime: interrupter.zeroTime,
      kvmRun: ioctls.KVM_RUN,
    };
    this.#worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       (${threadBody})({ require, tell: () => parentPort.postMessage(0) }, workerData);`,
      // The program's own options for Node, such as --input-type, are not for this text.
      { eval: true, workerData: start, execArgv: [] },
    );
    // The program may end while a guest is idle, or spins.
    this.#worker.unref();
    this.#worker.on("message", () => bell.onRing?.());
    this.#worker.on("error", (error) => {
      this.#failure = error;
    });
  }

  /** Whether it can be told to enter a guest. It never gets there if it cannot be started. */
  get isReady(): boolean {
    return this.#failure === undefined && Atomics.load(this.#words, thread) > 0;
  }

  /** Whether it has been told to enter the guest and has not come back. */
  get isAway(): boolean {
    const now = Atomics.load(this.#words, state);
    return now === enter || now === inside;
  }

  /** Whether it has come back, and nobody has taken what it came back with. */
  get hasReturned(): boolean {
    return Atomics.load(this.#words, state) === back;
  }

  /** Lets it call `KVM_RUN` of a vCPU's file. @throws KvmError EBUSY when it has not been heard since it came back */
  enter(vcpuFile: number): void {
    if (Atomics.load(this.#words, state) !== idle)
      throw new KvmError("EBUSY", "the vCPU runs in its thread already");
    Atomics.store(this.#words, file, vcpuFile);
    Atomics.store(this.#words, state, enter);
    Atomics.notify(this.#words, state);
  }

  /** After it has come back: 0, or the errno that `KVM_RUN` failed with; negative when it never called it. */
  take(): number {
    Atomics.compareExchange(this.#words, state, back, idle);
    return Atomics.load(this.#words, errno);
  }

  /** Ends the thread's present `KVM_RUN`. */
  interrupt(): void {
    this.#interrupter.interruptThread(Atomics.load(this.#words, thread));
  }

  /** Ends its `KVM_RUN`, and sleeps until it has come back. */
  halt(): void {
    if (Atomics.compareExchange(this.#words, state, enter, back) === enter) {
      Atomics.store(this.#words, errno, -1);
      return;
    }
    while (Atomics.load(this.#words, state) === inside) {
      this.interrupt();
      Atomics.wait(this.#words, state, inside, patience);
    }
  }

  /** Ends the thread, also while it is in a guest: it is out when this returns, and does not begin to load native code. */
  close(): void {
    this.halt();
    Atomics.store(this.#words, state, stop);
    Atomics.notify(this.#words, state);
    while (Atomics.load(this.#words, thread) === loadingThread)
      Atomics.wait(this.#words, thread, loadingThread);
  }
}
