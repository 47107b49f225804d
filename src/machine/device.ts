/**
 * What every device of a machine is made of, and what it may ask of its surroundings. Devices are pure: registers in,
 * registers out, interrupt lines and virtual time by these interfaces, and nothing else.
 */

/** Bytes of one access; the guest's loads and stores of other sizes are split before they reach a device. */
export type AccessSize = 1 | 2 | 4 | 8;

/** A block of memory-mapped registers. */
export interface MmioDevice {
  /** As users see it in messages and maps, for example `pl011`. */
  readonly name: string;
  /**
   * Reads `size` bytes, little endian, at `offset` from the start of the device's range.
   * @param cpu index of the reading vCPU; only banked registers (GICD, GICC) look at it.
   * @returns the value, below 2^(8·size).
   */
  read(offset: number, size: AccessSize, cpu: number): bigint;
  /** Writes; `value` is below 2^(8·size). */
  write(offset: number, size: AccessSize, value: bigint, cpu: number): void;
}

/** A wire from a device to an interrupt controller. Setting the level it already has is harmless. */
export interface InterruptLine {
  set(level: boolean): void;
}

/** Virtual time. */
export interface Clock {
  /** Nanoseconds of virtual time since the machine was made; never goes back. */
  now(): bigint;
}

/** A callback that waits for its deadline. */
export interface ScheduledEvent {
  /** Takes the callback off the schedule; harmless when it has run. */
  cancel(): void;
}

/** Virtual time that can also wake a device. */
export interface Scheduler extends Clock {
  /**
   * Calls `callback` once, when `now()` has reached `deadline` (nanoseconds of virtual time); a deadline that has passed is called
   * at the next chance, never from inside `at`. Events with the same deadline run in the order they were asked for.
   */
  at(deadline: bigint, callback: () => void): ScheduledEvent;
}

/**
 * A part of the machine whose state can be taken and put back as plain data (numbers, bigints, booleans, strings, arrays and
 * objects of these, typed arrays): what a snapshot stores.
 */
export interface Saveable<State> {
  save(): State;
  /** Puts back what `save` gave; interrupt lines and scheduled events follow the loaded state. */
  load(state: State): void;
}
