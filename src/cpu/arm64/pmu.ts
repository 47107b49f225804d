import type { Arm64Cluster } from "./cluster.ts";
import type { Arm64Cpu } from "./cpu.ts";
import { privateInterrupt } from "./privateInterrupts.ts";
import type { SystemRegisterFile } from "./systemRegisters/file.ts";
import { resources } from "./systemRegisters/identification.ts";

/** Number of the cycle counter among the counters' bits. */
const cycleCounter = 31;
/** Common event numbers counted here (Arm ARM D12.11.3). */
const events = { softwareIncrement: 0x00, retired: 0x08, cycles: 0x11, chain: 0x1e } as const;
const control = { E: 1n, P: 2n, C: 4n, D: 8n, LC: 0x40n } as const;
/** Cycles for each count while PMCR_EL0.D divides. */
const divisor = 64;

/** Instructions retired at EL0 and at EL1; a cycle of this CPU is an instruction. */
type RetiredCounts = readonly [number, number];

/**
 * The performance monitors of one CPU (PMUv3, Arm ARM D12) and the interrupt line they drive. Counter values are kept in the
 * system registers' storage; they are brought up to date when someone looks, when a control changes, and after each run in
 * which one could have overflowed.
 */
export class PerformanceMonitor {
  readonly #cluster: Arm64Cluster;
  readonly #cpu: Arm64Cpu;
  readonly #file: SystemRegisterFile;
  readonly #retired: [number, number] = [0, 0];
  #seen: RetiredCounts = [0, 0];
  /** Whether anything counts, by the controls as they were last told of. */
  #active = false;
  /** Cycles that the divided cycle counter has not counted yet. */
  #undivided = 0;

  constructor(cluster: Arm64Cluster, cpu: Arm64Cpu) {
    this.#cluster = cluster;
    this.#cpu = cpu;
    this.#file = cpu.system;
  }

  /** Instructions have retired at an Exception level. */
  retire(count: number, el: 0 | 1): void {
    this.#retired[el] += count;
    if (!this.#active) return;
    this.update();
    this.#driveInterrupt();
  }

  /** The controls or flags in the system registers changed. */
  controlsChanged(): void {
    this.#active = this.#anyCounts();
    this.#driveInterrupt();
    this.#cluster.endRunSoon();
  }

  /** Brings the counters up to date, also within a run. */
  update(): void {
    const within = this.#cluster.retiredInRun();
    const { el } = this.#cluster.registers;
    this.#countUpTo([this.#retired[0] + (el === 0 ? within : 0), this.#retired[1] + (el === 1 ? within : 0)]);
  }

  /** Instructions at this Exception level until a counter overflows, if one will. */
  untilOverflow(el: 0 | 1): number | undefined {
    if (!this.#active || !this.#anyCounts()) return undefined;
    const enabled = this.#file.raw("PMCNTENSET_EL0");
    const distances = this.#counters()
      .filter((counter) => (enabled & (1n << BigInt(counter))) !== 0n && this.#countsInstructions(counter))
      .filter((counter) => this.#filtered(counter, el === 0 ? [1, 0] : [0, 1]) > 0)
      .map((counter) => {
        const counts = Number((1n << BigInt(this.#overflowBit(counter))) - this.#overflowPart(counter));
        return this.#divides(counter) ? counts * divisor - this.#undivided : counts;
      });
    return distances.length === 0 ? undefined : Math.min(...distances);
  }

  /** PMSWINC_EL0: counts a software increment on each chosen counter that counts those. */
  softwareIncrement(chosen: bigint): void {
    if ((this.#file.raw("PMCR_EL0") & control.E) === 0n) return;
    const enabled = this.#file.raw("PMCNTENSET_EL0") & chosen;
    for (let n = 0; n < resources.eventCounters; n++) {
      if ((enabled & (1n << BigInt(n))) !== 0n && this.#event(n) === events.softwareIncrement)
        this.#add(n, 1n);
    }
  }

  /** PMCR_EL0 written: P and C reset counters and read as zero. */
  writeControl(value: bigint): void {
    if ((value & control.P) !== 0n)
      for (let n = 0; n < resources.eventCounters; n++) this.#file.setRaw(`PMEVCNTR${n}_EL0`, 0n);
    if ((value & control.C) !== 0n) {
      this.#file.setRaw("PMCCNTR_EL0", 0n);
      this.#undivided = 0;
    }
    this.#file.setRaw("PMCR_EL0", value & ~(control.P | control.C));
  }

  /** The register that PMXEVCNTR_EL0 or PMXEVTYPER_EL0 stands for, by PMSELR_EL0; undefined when it selects none. */
  selected(what: "counter" | "type"): string | undefined {
    const n = Number(this.#file.raw("PMSELR_EL0") & 31n);
    if (n < resources.eventCounters) return what === "counter" ? `PMEVCNTR${n}_EL0` : `PMEVTYPER${n}_EL0`;
    return n === cycleCounter && what === "type" ? "PMCCFILTR_EL0" : undefined;
  }

  /** Whether anything counts. */
  #anyCounts(): boolean {
    return (this.#file.raw("PMCR_EL0") & control.E) !== 0n && this.#file.raw("PMCNTENSET_EL0") !== 0n;
  }

  /** Gives the interrupt controller the level of the overflow interrupt: CheckForPMUOverflow (Arm ARM J1.3). */
  #driveInterrupt(): void {
    const enabled = (this.#file.raw("PMCR_EL0") & control.E) !== 0n;
    const level = enabled && (this.#file.raw("PMOVSSET_EL0") & this.#file.raw("PMINTENSET_EL1")) !== 0n;
    this.#cluster.interrupts?.setPpi(this.#cpu.index, privateInterrupt.performance, level);
  }

  /** Adds what has been retired since the last time. */
  #countUpTo(counts: RetiredCounts): void {
    const delta = [counts[0] - this.#seen[0], counts[1] - this.#seen[1]] as const;
    this.#seen = counts;
    if (!this.#anyCounts()) return;
    const enabled = this.#file.raw("PMCNTENSET_EL0");
    for (const counter of this.#counters()) {
      if ((enabled & (1n << BigInt(counter))) === 0n || !this.#countsInstructions(counter)) continue;
      const amount = this.#divided(counter, this.#filtered(counter, delta));
      if (amount > 0) this.#add(counter, BigInt(amount));
    }
  }

  #counters(): readonly number[] {
    return [...Array.from({ length: resources.eventCounters }, (_, n) => n), cycleCounter];
  }

  #event(counter: number): number {
    return Number(this.#file.raw(`PMEVTYPER${counter}_EL0`) & 0x3ffn);
  }

  #countsInstructions(counter: number): boolean {
    if (counter === cycleCounter) return true;
    const event = this.#event(counter);
    return event === events.retired || event === events.cycles;
  }

  /** P (bit 31) leaves EL1 out, U (bit 30) EL0. */
  #filtered(counter: number, counts: RetiredCounts): number {
    const filter = this.#file.raw(counter === cycleCounter ? "PMCCFILTR_EL0" : `PMEVTYPER${counter}_EL0`);
    return (
      ((filter & 0x4000_0000n) === 0n ? counts[0] : 0) + ((filter & 0x8000_0000n) === 0n ? counts[1] : 0)
    );
  }

  /** Whether the counter counts every 64th cycle: PMCR_EL0.D, unless LC makes the counter long. Arm ARM D17.5.7. */
  #divides(counter: number): boolean {
    return counter === cycleCounter && (this.#file.raw("PMCR_EL0") & (control.D | control.LC)) === control.D;
  }

  #divided(counter: number, cycles: number): number {
    if (!this.#divides(counter)) return cycles;
    const all = this.#undivided + cycles;
    this.#undivided = all % divisor;
    return Math.floor(all / divisor);
  }

  #storage(counter: number): string {
    return counter === cycleCounter ? "PMCCNTR_EL0" : `PMEVCNTR${counter}_EL0`;
  }

  #overflowBit(counter: number): number {
    return counter === cycleCounter && (this.#file.raw("PMCR_EL0") & control.LC) !== 0n ? 64 : 32;
  }

  #overflowPart(counter: number): bigint {
    return BigInt.asUintN(this.#overflowBit(counter), this.#file.raw(this.#storage(counter)));
  }

  #add(counter: number, amount: bigint): void {
    const name = this.#storage(counter);
    const bit = this.#overflowBit(counter);
    const overflowed = (this.#overflowPart(counter) + amount) >> BigInt(bit) !== 0n;
    const width = counter === cycleCounter ? 64 : 32;
    this.#file.setRaw(name, BigInt.asUintN(width, this.#file.raw(name) + amount));
    if (!overflowed) return;
    this.#file.setRaw("PMOVSSET_EL0", this.#file.raw("PMOVSSET_EL0") | (1n << BigInt(counter)));
    const next = counter + 1;
    if (counter % 2 === 0 && next < resources.eventCounters && this.#event(next) === events.chain) {
      if ((this.#file.raw("PMCNTENSET_EL0") & (1n << BigInt(next))) !== 0n) this.#add(next, 1n);
    }
  }
}
