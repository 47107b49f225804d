import type { Arm64Cluster } from "./cluster.ts";
import type { Arm64Cpu } from "./cpu.ts";
import { privateInterrupt } from "./privateInterrupts.ts";
import { eventStreamTicks, genericTimer, nanosecondsPerTick } from "./timers.ts";

/** One vCPU's generic timers: when their outputs change, and the interrupt lines they drive. */
export class PrivateTimers {
  readonly #cluster: Arm64Cluster;
  readonly #cpu: Arm64Cpu;
  /** Nanosecond of virtual time from which on the outputs may be others; 0 when that has to be worked out. */
  #due = 0;

  constructor(cluster: Arm64Cluster, cpu: Arm64Cpu) {
    this.#cluster = cluster;
    this.#cpu = cpu;
  }

  /** Nanosecond of virtual time at which an output rises, if one will. */
  deadline(): number | undefined {
    this.keep();
    return this.#due === Number.POSITIVE_INFINITY ? undefined : this.#due;
  }

  /** Nanosecond of virtual time of the next event of the event stream, if it is on. */
  nextStreamEvent(): number | undefined {
    this.#cluster.activate(this.#cpu.index);
    const count = this.#cluster.count();
    const control = Number(this.#cpu.system.raw("CNTKCTL_EL1"));
    const ticks = eventStreamTicks(control, count - this.#cpu.controls.cntvoff);
    return ticks === undefined ? undefined : Number(count + ticks) * nanosecondsPerTick;
  }

  /** Drives the interrupt lines if time alone may have changed them. */
  keep(): void {
    if (this.#cluster.clock.nanoseconds >= this.#due) this.update();
  }

  /** Drives the interrupt lines from the timers' registers and the present count. */
  update(): void {
    const count = this.#cluster.count();
    const { interrupts } = this.#cluster;
    const { index, controls } = this.#cpu;
    interrupts?.setPpi(index, privateInterrupt.physicalTimer, genericTimer.output(this.#timer("P"), count));
    interrupts?.setPpi(
      index,
      privateInterrupt.virtualTimer,
      genericTimer.output(this.#timer("V"), count - controls.cntvoff),
    );
    this.#due = this.#next();
  }

  /** Makes CNTVCT_EL0 read `value` now, on every CPU of the cluster (CNTVOFF_EL2). */
  setVirtualCount(value: bigint): void {
    const offset = this.#cluster.count() - value;
    for (const cpu of this.#cluster.cpus) {
      cpu.controls.cntvoff = offset;
      cpu.timers.#due = 0;
    }
  }

  #next(): number {
    const count = this.#cluster.count();
    const left = [
      genericTimer.ticksLeft(this.#timer("P"), count),
      genericTimer.ticksLeft(this.#timer("V"), count - this.#cpu.controls.cntvoff),
    ].filter((ticks) => ticks !== undefined);
    const times = left.map((ticks) => Number(count + ticks) * nanosecondsPerTick);
    const first = Math.min(...times);
    // Later than virtual time can count is never.
    return first <= Number.MAX_SAFE_INTEGER ? first : Number.POSITIVE_INFINITY;
  }

  #timer(which: "P" | "V"): { control: number; compare: bigint } {
    const { system } = this.#cpu;
    return {
      control: Number(system.get(`CNT${which}_CTL_EL0`)),
      compare: system.get(`CNT${which}_CVAL_EL0`),
    };
  }
}
