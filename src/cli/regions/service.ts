import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { MessagePort } from "node:worker_threads";
import type { RegionJob, RegionResult, RegionService } from "../../vmm/regionCompiler.ts";
import { packageFolder } from "../packageFolder.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly port: MessagePort;
  /** How many results it has sent. */
  readonly sent: Int32Array;
}

/** Where the build leaves the thread's program. */
const program = new URL("dist/cli/regions.js", packageFolder);

type Threads = typeof import("node:worker_threads");

/** Compiles hot code of an arm64 guest in a thread, which starts with the first job. */
export class RegionThread implements RegionService {
  readonly #sent = new Int32Array(new SharedArrayBuffer(4));
  #taken = 0;
  #threads: Threads | undefined;
  #port: MessagePort | undefined;
  #working = true;

  get working(): boolean {
    return this.#working;
  }

  post(job: RegionJob): void {
    // Most short guests do without, and Node takes milliseconds to load it.
    this.#threads ??= createRequire(import.meta.url)("node:worker_threads") as Threads;
    this.#port ??= this.#start(this.#threads);
    this.#port.postMessage(job);
  }

  take(): RegionResult | undefined {
    // Asking the port costs a thousand times as much.
    if (this.#port === undefined || Atomics.load(this.#sent, 0) === this.#taken) return undefined;
    const received = this.#threads?.receiveMessageOnPort(this.#port);
    if (received === undefined) return undefined;
    this.#taken = (this.#taken + 1) | 0;
    return received.message as RegionResult;
  }

  #start({ MessageChannel, Worker }: Threads): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const data: ThreadData = { port: port2, sent: this.#sent };
    const worker = new Worker(fileURLToPath(program), {
      workerData: data,
      transferList: [port2],
      // The program's own options for Node are not for this one.
      execArgv: [],
    });
    // The guest's end is the program's, and what cannot be compiled there is compiled here.
    worker.unref();
    worker.on("error", () => {
      this.#working = false;
    });
    worker.on("exit", () => {
      this.#working = false;
    });
    port1.unref();
    return port1;
  }
}
