import { bellWords } from "./body.ts";

/** Tells the program that some vCPU of a VM has come back from its guest. */
export class Bell {
  readonly shared = new SharedArrayBuffer(4 * Object.keys(bellWords).length);
  /** Called from the event loop when one has come back and that was asked for; sometimes once too often. */
  onRing: (() => void) | undefined;
  readonly #words = new Int32Array(this.shared);

  /** How often it has rung. */
  get count(): number {
    return Atomics.load(this.#words, bellWords.count);
  }

  /** Sleeps until it has rung more often than `count`, at most so many milliseconds. @returns whether it has */
  wait(count: number, milliseconds: number): boolean {
    return Atomics.wait(this.#words, bellWords.count, count, milliseconds) !== "timed-out";
  }

  /** Rings call `onRing` no more. */
  forget(): void {
    Atomics.store(this.#words, bellWords.asked, 0);
  }

  /** The next ring calls `onRing`. @returns false when it has rung since `count`: then it does not */
  ask(count: number): boolean {
    Atomics.store(this.#words, bellWords.asked, 1);
    if (this.count === count) return true;
    this.forget();
    return false;
  }
}
