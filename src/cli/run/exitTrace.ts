import { closeSync, openSync, writeSync } from "node:fs";
import type { KvmExit, X86DebugExit, X86Exit } from "../../kvm/exits.ts";
import { fileProblem } from "../readFile.ts";
import { UserError } from "../userError.ts";

const BUFFER = 1 << 16;

/**
 * Writes every exit to a file: virtual nanoseconds, vCPU, reason, details; a line each. INTR, which the host causes when it looks
 * around, is left out: all else is the guest's doing and the same in every run.
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

  observe(nanoseconds: number, vcpu: number, exit: KvmExit | X86Exit): void {
    if (exit.reason === "INTR") return;
    this.#text += `${nanoseconds} cpu${vcpu} ${exit.reason}${details(exit)}\n`;
    if (this.#text.length >= BUFFER) this.#flush();
  }

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

function details(exit: KvmExit | X86Exit): string {
  const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
  switch (exit.reason) {
    case "MMIO":
      return exit.isWrite
        ? ` write ${hex(exit.address)} ${exit.length} ${hex(exit.data)}`
        : ` read ${hex(exit.address)} ${exit.length}`;
    case "DEBUG":
      return "hsr" in exit.arch
        ? ` hsr ${hex(exit.arch.hsr)} far ${hex(exit.arch.far)}`
        : x86Debug(exit.arch);
    case "IO":
      return ` ${exit.isWrite ? "out" : "in"} ${hex(exit.port)} ${exit.size}x${exit.count}${outData(exit)}`;
    case "FAIL_ENTRY":
      return ` ${hex(exit.hardwareEntryFailureReason)}`;
    case "OTHER":
      return ` ${exit.exitReason}`;
    case "HLT":
    case "SHUTDOWN":
    case "IRQ_WINDOW_OPEN":
      return "";
    case "SYSTEM_EVENT":
      return ` ${exit.type}`;
    case "HYPERCALL":
      return ` ${hex(exit.number)}`;
    case "HALTED":
      return ` ${exit.until}`;
    case "INTERNAL_ERROR":
      return ` ${exit.message}`;
    case "INTR":
      return "";
  }
}

function x86Debug({ exception, pc, dr6 }: X86DebugExit): string {
  return ` exception ${exception} pc 0x${pc.toString(16)} dr6 0x${dr6.toString(16)}`;
}

function outData({ isWrite, size, count, data }: Extract<X86Exit, { readonly reason: "IO" }>): string {
  if (!isWrite) return "";
  return ` ${[...data.subarray(0, size * count)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
