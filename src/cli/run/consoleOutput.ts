import { outputProblem } from "../textOutput.ts";

const BUFFER = 1 << 15;

/** The guest's console on standard output: its bytes and nothing else. */
export class ConsoleOutput {
  #buffer = new Uint8Array(BUFFER);
  #length = 0;
  #full: Promise<void> | undefined;

  /** `lost` is called when nobody reads any more, or, with the problem in words, when nothing more can be written. */
  constructor(lost: (problem: string | undefined) => void) {
    process.stdout.on("error", (error) => {
      lost(outputProblem(error));
    });
  }

  /** A byte from the guest. It goes out when the event loop has its next turn, or the buffer is full. */
  readonly transmit = (byte: number): void => {
    if (this.#length === 0) setImmediate(() => this.flush());
    this.#buffer[this.#length++] = byte;
    if (this.#length === BUFFER) this.flush();
  };

  /** Sends what has gathered. */
  flush(): void {
    if (this.#length === 0) return;
    const room = process.stdout.write(this.#buffer.subarray(0, this.#length));
    if (!room && this.#full === undefined) {
      this.#full = new Promise((resolve) => {
        const done = (): void => {
          this.#full = undefined;
          resolve();
        };
        process.stdout.once("drain", done);
        process.stdout.once("close", done);
      });
    }
    this.#buffer = new Uint8Array(BUFFER);
    this.#length = 0;
  }

  /** Settled when the reader has caught up; undefined if it has not fallen behind. */
  get backlog(): Promise<void> | undefined {
    return this.#full;
  }

  /** Settled when all is out, and `lost` called if it could not be. */
  async finish(): Promise<void> {
    this.flush();
    await this.#full;
    await new Promise<void>((resolve) => {
      process.stdout.write("", () => setImmediate(resolve));
    });
  }
}
