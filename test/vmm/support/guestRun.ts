import { readFileSync } from "node:fs";
import type { KvmExit } from "../../../src/kvm/exits.ts";
import { classifyImage } from "../../../src/machine/boot/classify.ts";
import { planBoot } from "../../../src/machine/boot/planBoot.ts";
import { writeFdt } from "../../../src/machine/fdt/write.ts";
import { GuestMachine, type GuestOptions, type GuestStop } from "../../../src/vmm/guest.ts";
import { instructionSet, interpreter } from "../../cpu/arm64/support/machine.ts";

export interface RunOptions extends Pick<GuestOptions, "engine" | "heat" | "regionService"> {
  readonly cpus?: number;
  readonly gicVersion?: 2 | 3;
  readonly memoryBytes?: number;
}

/** A guest machine whose console is collected as text. */
export class GuestRun {
  readonly machine: GuestMachine;
  readonly #bytes: number[] = [];
  /** Length of the console text that has been waited for. */
  #seen = 0;

  constructor(options: RunOptions = {}) {
    this.machine = new GuestMachine({
      instructionSet,
      interpreter,
      memoryBytes: options.memoryBytes ?? 512 << 20,
      cpus: options.cpus ?? 1,
      gicVersion: options.gicVersion ?? 3,
      ...(options.engine === undefined ? {} : { engine: options.engine }),
      ...(options.heat === undefined ? {} : { heat: options.heat }),
      ...(options.regionService === undefined ? {} : { regionService: options.regionService }),
      transmit: (byte) => {
        this.#bytes.push(byte);
      },
    });
  }

  static fromElf(path: string, options: RunOptions = {}): GuestRun {
    const run = new GuestRun(options);
    const { board } = run.machine;
    const image = classifyImage(readFileSync(path));
    if (image.kind === "compressed") throw new Error(`${path} is compressed`);
    run.machine.boot(
      planBoot(
        { ram: board.ram, flash: board.flash },
        { image, deviceTree: () => writeFdt(board.deviceTree({ commandLine: "" })) },
      ),
    );
    return run;
  }

  /** Everything sent so far, byte by byte as Latin-1. */
  get console(): string {
    return Buffer.from(this.#bytes).toString("latin1");
  }

  /** Advances in slices until something other than the limit stops the guest. */
  until(nanoseconds: number, slice = 10_000_000): GuestStop {
    const end = this.machine.now + nanoseconds;
    let stop: GuestStop = { kind: "limit" };
    while (stop.kind === "limit" && this.machine.now < end)
      stop = this.machine.advance(Math.min(slice, end - this.machine.now));
    return stop;
  }

  /** Sends text to the serial console. */
  type(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const taken = this.machine.board.uart.receive(bytes);
    if (taken !== bytes.length) throw new Error(`the console took ${taken} of ${bytes.length} bytes`);
  }

  /** Runs until the guest has sent `text`, after what was waited for before. */
  waitFor(text: string, nanoseconds = 5_000_000_000): void {
    const end = this.machine.now + nanoseconds;
    for (;;) {
      const at = this.console.indexOf(text, this.#seen);
      if (at >= 0) {
        this.#seen = at + text.length;
        return;
      }
      const stop = this.until(Math.min(1_000_000, end - this.machine.now));
      if (stop.kind !== "limit" || this.machine.now >= end)
        throw new Error(`no "${text}", but ${JSON.stringify(stop)}, after:\n${this.console}`);
    }
  }

  /** Notes every exit but the ends of slices. */
  recordExits(): readonly string[] {
    const exits: string[] = [];
    this.machine.onExit = (vcpu, exit) => {
      if (exit.reason !== "INTR") exits.push(`${this.machine.now} ${vcpu} ${exitText(exit)}`);
    };
    return exits;
  }
}

function exitText(exit: KvmExit): string {
  return JSON.stringify(exit, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
}
