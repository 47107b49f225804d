import { closeSync, openSync, writeSync } from "node:fs";
import { ExitLog, type ExitRecord } from "../../debugger/exitLog.ts";
import { exitJson } from "../../debugger/exitText.ts";
import type { DebuggedMachine } from "../../debugger/machine.ts";
import { fileProblem } from "../readFile.ts";
import { UserError } from "../userError.ts";

const BUFFER = 1 << 16;

/**
 * Writes every exit to a file, a line of JSON each. INTR, which the host causes when it looks around, is left out: all else is
 * the guest's doing and, but for `cost`, the same in every run.
 */
export class ExitTrace {
  readonly #path: string;
  readonly #file: number;
  #text = "";

  /** @throws UserError if the file cannot be written */
  constructor(path: string) {
    this.#path = path;
    this.#file = this.#try(() => openSync(path, "w"));
  }

  /** Traces a machine on which there is no debugger. */
  follow(machine: DebuggedMachine): void {
    const log = new ExitLog(
      () => machine.now,
      () => performance.now(),
      machine.reusesExits === true,
    );
    log.listener = this.write;
    machine.observeExits?.((vcpu, exit) => log.note(vcpu, exit));
  }

  /** Writes one record. */
  readonly write = (record: ExitRecord): void => {
    this.#text += `${exitJson(record)}\n`;
    if (this.#text.length >= BUFFER) this.#flush();
  };

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    this.#try(() => writeSync(this.#file, this.#text));
    this.#text = "";
  }

  #try<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new UserError(`--trace exits=${this.#path}: ${fileProblem(error)}`);
    }
  }
}
