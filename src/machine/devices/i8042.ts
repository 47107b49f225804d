import type { Saveable } from "../device.ts";
import type { PortDevice, PortSize } from "../portBus.ts";

/** Intel 8042 on a PC: commands at port 0x64 (IBM AT Technical Reference, "Keyboard Controller"). */
const COMMAND = {
  READ_CONFIGURATION: 0x20,
  WRITE_CONFIGURATION: 0x60,
  SELF_TEST: 0xaa,
  TEST_KEYBOARD: 0xab,
  READ_OUTPUT: 0xd0,
  WRITE_OUTPUT: 0xd1,
} as const;
/** 0xF0 to 0xFF pulse the lines whose bits are 0; line 0 is the processor's reset. */
const PULSE = 0xf0;
const LINE_RESET = 1;

const STATUS = { OUTPUT_FULL: 1, SYSTEM: 4, COMMAND: 8, UNLOCKED: 0x10 } as const;
const SELF_TEST_PASSED = 0x55;
const NO_KEYBOARD = 0x01;
/** Translation on, keyboard off, no interrupts. */
const CONFIGURATION = 0x50;
const OUTPUT_PORT = 0xcf;

/** What the controller remembers. */
export interface I8042State {
  readonly configuration: number;
  readonly pending: number | undefined;
  readonly expects: number | undefined;
}

/** A PC's keyboard controller without a keyboard: what is left is its reset line. Status at offset 4 (port 0x64), data at 0. */
export class I8042 implements PortDevice, Saveable<I8042State> {
  readonly name = "i8042";
  readonly width = 1;
  readonly #reset: () => void;
  #configuration: number = CONFIGURATION;
  #pending: number | undefined;
  /** The command whose byte comes next. */
  #expects: number | undefined;

  /** @param reset the guest pulls the processor's reset line */
  constructor(reset: () => void) {
    this.#reset = reset;
  }

  readPort(offset: number, _size: PortSize): number {
    if (offset !== 0)
      return STATUS.SYSTEM | STATUS.UNLOCKED | (this.#pending === undefined ? 0 : STATUS.OUTPUT_FULL);
    const value = this.#pending ?? 0;
    this.#pending = undefined;
    return value;
  }

  writePort(offset: number, _size: PortSize, value: number): void {
    if (offset !== 0) this.#command(value);
    else this.#data(value);
  }

  reset(): void {
    this.#configuration = CONFIGURATION;
    this.#pending = undefined;
    this.#expects = undefined;
  }

  save(): I8042State {
    return { configuration: this.#configuration, pending: this.#pending, expects: this.#expects };
  }

  load(state: I8042State): void {
    this.#configuration = state.configuration;
    this.#pending = state.pending;
    this.#expects = state.expects;
  }

  #command(value: number): void {
    this.#expects = undefined;
    if (value >= PULSE) {
      if ((value & LINE_RESET) === 0) this.#reset();
      return;
    }
    switch (value) {
      case COMMAND.READ_CONFIGURATION:
        this.#pending = this.#configuration;
        break;
      case COMMAND.SELF_TEST:
        this.#pending = SELF_TEST_PASSED;
        break;
      case COMMAND.TEST_KEYBOARD:
        this.#pending = NO_KEYBOARD;
        break;
      case COMMAND.READ_OUTPUT:
        this.#pending = OUTPUT_PORT;
        break;
      case COMMAND.WRITE_CONFIGURATION:
      case COMMAND.WRITE_OUTPUT:
        this.#expects = value;
        break;
      default:
    }
  }

  #data(value: number): void {
    const command = this.#expects;
    this.#expects = undefined;
    if (command === COMMAND.WRITE_CONFIGURATION) this.#configuration = value;
    else if (command === COMMAND.WRITE_OUTPUT && (value & LINE_RESET) === 0) this.#reset();
  }
}
