import type { PortDevice, PortSize } from "../portBus.ts";

/** QEMU's isa-debug-exit, by which test guests end the machine: a value v written to its port is exit status 2v + 1. */
export class DebugExit implements PortDevice {
  readonly name = "debug-exit";
  readonly width = 4;
  readonly #exit: (status: number) => void;

  /** @param exit called with the status, of which a process has 8 bits */
  constructor(exit: (status: number) => void) {
    this.#exit = exit;
  }

  readPort(): number {
    return 0;
  }

  writePort(_offset: number, _size: PortSize, value: number): void {
    this.#exit(((value << 1) | 1) & 0xff);
  }
}
