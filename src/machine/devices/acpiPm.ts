import type { Clock, Saveable } from "../device.ts";
import type { PortDevice, PortSize } from "../portBus.ts";

/** ACPI 6.5, 4.8.3: PM1 event block (status, enable), PM1 control, PM timer; offsets from the first port. */
export const ACPI_PM = { EVENT: 0, CONTROL: 4, TIMER: 8, PORTS: 12 } as const;

/** SCI_EN: the machine is in ACPI mode from the start. */
const SCI_EN = 1;
const SLP_EN = 1 << 13;
const slpType = (value: number): number => (value >> 10) & 7;
/** What the DSDT gives as SLP_TYP of S5. */
export const ACPI_SOFT_OFF = 5;

/** The PM timer counts at 3.579545 MHz, 24 bits. */
const TIMER_HERTZ = 3_579_545n;
const SECOND = 1_000_000_000n;

/** Surroundings of the ports. */
export interface AcpiPmOptions {
  readonly clock: Clock;
  /** The guest switches the machine off. */
  readonly powerOff: () => void;
}

/** What the ports remember. */
export interface AcpiPmState {
  readonly enable: number;
  readonly control: number;
}

/** ACPI's power management ports: soft off and the timer; no event ever comes. */
export class AcpiPm implements PortDevice, Saveable<AcpiPmState> {
  readonly name = "acpi-pm";
  readonly width = 4;
  readonly #options: AcpiPmOptions;
  #enable = 0;
  #control: number = SCI_EN;

  constructor(options: AcpiPmOptions) {
    this.#options = options;
  }

  readPort(offset: number, size: PortSize): number {
    const value = this.#read(offset & ~3) >>> (8 * (offset & 3));
    return size === 4 ? value >>> 0 : value & (2 ** (8 * size) - 1);
  }

  writePort(offset: number, size: PortSize, value: number): void {
    const shift = 8 * (offset & 3);
    const mask = size === 4 ? 0xffff_ffff : (2 ** (8 * size) - 1) << shift;
    const merged = (old: number): number => (old & ~mask) | ((value << shift) & mask);
    if ((offset & ~3) === ACPI_PM.EVENT) this.#enable = (merged(this.#enable << 16) >>> 16) & 0xffff;
    else if ((offset & ~3) === ACPI_PM.CONTROL) this.#setControl(merged(this.#control) & 0xffff);
  }

  reset(): void {
    this.#enable = 0;
    this.#control = SCI_EN;
  }

  save(): AcpiPmState {
    return { enable: this.#enable, control: this.#control };
  }

  load(state: AcpiPmState): void {
    this.#enable = state.enable;
    this.#control = state.control;
  }

  #read(word: number): number {
    switch (word) {
      case ACPI_PM.EVENT:
        return (this.#enable << 16) >>> 0;
      case ACPI_PM.CONTROL:
        return this.#control;
      default:
        return Number(((this.#options.clock.now() * TIMER_HERTZ) / SECOND) & 0xff_ffffn);
    }
  }

  #setControl(value: number): void {
    // SLP_EN reads as 0.
    this.#control = (value & ~SLP_EN) | SCI_EN;
    if ((value & SLP_EN) !== 0 && slpType(value) === ACPI_SOFT_OFF) this.#options.powerOff();
  }
}
