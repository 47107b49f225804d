import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { KvmError } from "../../errors.ts";
import type { Interrupter } from "../signals.ts";
import { ioctls } from "../uapi/ioctls.ts";
import { type ThreadStart, threadBody, threadStates, threadWords } from "./body.ts";

/** A thread that enters guests, so that the program goes on meanwhile. It serves one vCPU at a time. */
export class VcpuThread {
  readonly #interrupter: Interrupter;
  readonly #worker: Worker;
  readonly #words: Int32Array;
  #running = false;
  readonly #atExit = (): void => {
    this.#stop();
  };

  private constructor(interrupter: Interrupter) {
    this.#interrupter = interrupter;
    const shared = new SharedArrayBuffer(4 * Object.keys(threadWords).length);
    this.#words = new Int32Array(shared);
    const start: ThreadStart = {
      koffi: createRequire(import.meta.url).resolve("koffi"),
      shared,
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
    process.once("exit", this.#atExit);
  }

  /** Starts one. @throws KvmError when it cannot be started */
  static async start(interrupter: Interrupter): Promise<VcpuThread> {
    const thread = new VcpuThread(interrupter);
    await thread.#told();
    return thread;
  }

  /** `KVM_RUN` of a vCPU's file in the thread. @returns 0, or the errno it failed with */
  async enter(file: number): Promise<number> {
    if (this.#running) throw new KvmError("EBUSY", "the thread is in a guest already");
    this.#running = true;
    try {
      Atomics.store(this.#words, threadWords.file, file);
      Atomics.store(this.#words, threadWords.state, threadStates.enter);
      const told = this.#told();
      Atomics.notify(this.#words, threadWords.state);
      await told;
      return Atomics.load(this.#words, threadWords.errno);
    } finally {
      this.#running = false;
    }
  }

  /** Ends the thread's present `KVM_RUN`, or its next. */
  interrupt(): void {
    this.#interrupter.interruptThread(Atomics.load(this.#words, threadWords.thread));
  }

  /** Ends the thread, also while it is in a guest. */
  async close(): Promise<void> {
    process.removeListener("exit", this.#atExit);
    this.#stop();
    await this.#worker.terminate();
  }

  #stop(): void {
    Atomics.store(this.#words, threadWords.state, threadStates.stop);
    Atomics.notify(this.#words, threadWords.state);
    this.interrupt();
  }

  /** What the thread tells next. While that is awaited, the program does not end. */
  #told(): Promise<void> {
    const worker = this.#worker;
    worker.ref();
    return new Promise<void>((resolve, reject) => {
      const done = (settle: () => void): void => {
        worker.off("message", onTold).off("error", onError).off("exit", onExit);
        worker.unref();
        settle();
      };
      const onTold = (): void => done(resolve);
      const onError = (error: Error): void =>
        done(() => reject(new KvmError("EAGAIN", `a vCPU's thread failed: ${error.message}`)));
      const onExit = (): void => done(() => reject(new KvmError("EINTR", "the vCPU's thread was closed")));
      worker.once("message", onTold).once("error", onError).once("exit", onExit);
    });
  }
}
