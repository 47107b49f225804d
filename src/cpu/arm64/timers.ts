/** Nanoseconds of virtual time for each tick of the 62.5 MHz system counter. */
export const nanosecondsPerTick = 16;

const enable = 1;
const mask = 2;
const status = 4;

/** What a timer's registers hold. */
export interface TimerState {
  readonly control: number;
  readonly compare: bigint;
}

/** A generic timer's registers and output, as functions of the count. Arm ARM D11.2. */
export const genericTimer = {
  /** CTL as it reads: ISTATUS is the condition while the timer is enabled. */
  control: (timer: TimerState, count: bigint): number =>
    (timer.control & (enable | mask)) | (met(timer, count) ? status : 0),
  /** TVAL as it reads: the low 32 bits of the distance to the compare value. */
  timerValue: (timer: TimerState, count: bigint): bigint => BigInt.asUintN(32, timer.compare - count),
  /** The compare value that a write of TVAL sets. */
  compareFor: (timerValue: bigint, count: bigint): bigint =>
    BigInt.asUintN(64, count + BigInt.asIntN(32, timerValue)),
  /** The level of the interrupt output. */
  output: (timer: TimerState, count: bigint): boolean => met(timer, count) && (timer.control & mask) === 0,
  /** In how many ticks the output rises, if it will. */
  ticksLeft: (timer: TimerState, count: bigint): bigint | undefined =>
    (timer.control & (enable | mask)) === enable && !met(timer, count)
      ? timer.compare - BigInt.asUintN(64, count)
      : undefined,
} as const;

function met(timer: TimerState, count: bigint): boolean {
  return (timer.control & enable) !== 0 && BigInt.asUintN(64, count) >= timer.compare;
}

/**
 * The event stream: in how many ticks the virtual count next makes the transition that CNTKCTL_EL1 chooses, which is an event for
 * WFE; undefined while the stream is off. Arm ARM D11.2.3.
 */
export function eventStreamTicks(control: number, count: bigint): bigint | undefined {
  const [enabled, falling] = [(control & 4) !== 0, (control & 8) !== 0];
  if (!enabled) return undefined;
  const half = 1n << BigInt((control >> 4) & 15);
  const period = half * 2n;
  const at = falling ? 0n : half;
  const phase = BigInt.asUintN(64, count) % period;
  return phase < at ? at - phase : at + period - phase;
}
