import { fstatSync, readSync } from "node:fs";
import { errorCode, fileProblem } from "../readFile.ts";
import { UserError } from "../userError.ts";
import { InputQueue } from "./inputQueue.ts";
import { Keyboard } from "./keyboard.ts";

/** Where the guest's console input comes from. */
export interface InputSource {
  /** The next break, or at most `most` (≥ 1) bytes; undefined: nothing now. */
  take(most: number): Uint8Array | "break" | undefined;
  /** More may come by itself, which `arrived` will tell. */
  readonly open: boolean;
  /** Someone sits at a terminal. */
  readonly interactive: boolean;
  /** Leaves standard input as it was. */
  close(): void;
}

/** What an input source tells. */
export interface InputListener {
  /** Something came, or the end. */
  readonly arrived: () => void;
  readonly help: () => void;
  readonly quit: () => void;
}

const STDIN = 0;
/** Bytes taken from a pipe before the guest has read them. */
const MOST_WAITING = 1 << 16;

/** Standard input as it is: a terminal (which becomes raw), a file (read as the guest wants it), or a pipe. */
export function openStandardInput(listener: InputListener): InputSource {
  if (process.stdin.isTTY) return new StreamSource(listener, true);
  const status = fstatSync(STDIN);
  if (status.isDirectory()) throw new UserError("standard input is a directory; give a file, or </dev/null");
  return status.isFile() || status.isCharacterDevice() ? new FileSource() : new StreamSource(listener, false);
}

/** A file is read when the guest has room for it, so that runs with the same file are the same. */
class FileSource implements InputSource {
  readonly interactive = false;
  readonly open = false;
  #ended = false;

  take(most: number): Uint8Array | undefined {
    if (this.#ended) return undefined;
    const bytes = new Uint8Array(most);
    try {
      const count = readSync(STDIN, bytes);
      if (count > 0) return bytes.subarray(0, count);
    } catch (error) {
      if (errorCode(error) !== "EOF") throw new UserError(`standard input: ${fileProblem(error)}`);
    }
    this.#ended = true;
    return undefined;
  }

  close(): void {}
}

class StreamSource implements InputSource {
  readonly interactive: boolean;
  readonly #queue = new InputQueue();
  readonly #keyboard = new Keyboard();
  readonly #listener: InputListener;
  #open = true;

  constructor(listener: InputListener, interactive: boolean) {
    this.interactive = interactive;
    this.#listener = listener;
    const { stdin } = process;
    if (interactive) stdin.setRawMode(true);
    stdin.on("data", (chunk: Uint8Array) => {
      if (interactive) this.#typed(chunk);
      else this.#queue.push(chunk);
      if (!interactive && this.#queue.length > MOST_WAITING) stdin.pause();
      listener.arrived();
    });
    const end = (): void => {
      this.#open = false;
      listener.arrived();
    };
    stdin.on("end", end);
    // A terminal that went away, a connection that was reset: an end like any other.
    stdin.on("error", end);
  }

  get open(): boolean {
    return this.#open;
  }

  take(most: number): Uint8Array | "break" | undefined {
    const taken = this.#queue.take(most);
    if (this.#queue.length < MOST_WAITING && process.stdin.isPaused()) process.stdin.resume();
    return taken;
  }

  close(): void {
    const { stdin } = process;
    if (this.interactive && !stdin.destroyed) stdin.setRawMode(false);
    stdin.pause();
    stdin.unref();
  }

  #typed(chunk: Uint8Array): void {
    for (const event of this.#keyboard.feed(chunk)) {
      switch (event.kind) {
        case "data":
          this.#queue.push(event.bytes);
          break;
        case "break":
          this.#queue.push("break");
          break;
        case "help":
          this.#listener.help();
          break;
        case "quit":
          this.#listener.quit();
          break;
      }
    }
  }
}
