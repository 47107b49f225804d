import { exitStatus, type SignalName, signalStatus } from "../exitStatus.ts";
import type { RunnableGuest } from "./runnable.ts";

/** How a run ended. */
export type RunEnd =
  | { readonly kind: "power-off"; readonly status?: number | undefined }
  /** The guest asked for a restart and there shall be none. */
  | { readonly kind: "reset" }
  /** The user's wish, or a debugger's. */
  | { readonly kind: "quit" }
  | { readonly kind: "signal"; readonly signal: SignalName }
  /** The guest's output cannot be written. */
  | { readonly kind: "output"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

/** Where a run is ended from outside; the first to come counts. */
export class Interruption {
  readonly #rung: () => void;
  #end: RunEnd | undefined;

  /** `rung` is called at each request. */
  constructor(rung: () => void) {
    this.#rung = rung;
  }

  get end(): RunEnd | undefined {
    return this.#end;
  }

  request(end: RunEnd): void {
    this.#end ??= end;
    this.#rung();
  }
}

/** A failure, with where the vCPU was. */
export function failureAt({ machine, pc: register }: RunnableGuest, vcpu: number, message: string): RunEnd {
  const pc = machine.vm.vcpus[vcpu]?.getOneReg(register) ?? 0n;
  return { kind: "failed", message: `${message} (vCPU ${vcpu} at pc 0x${pc.toString(16)})` };
}

/** The exit status that says it. */
export function statusOf(end: RunEnd): number {
  switch (end.kind) {
    case "power-off":
      return end.status ?? exitStatus.done;
    case "reset":
    case "quit":
      return exitStatus.done;
    case "signal":
      return signalStatus[end.signal];
    case "output":
      return exitStatus.user;
    case "failed":
      return exitStatus.failed;
  }
}
