import type { Saveable } from "../device.ts";
import { MINIMUM_BPR, PRIORITY_MASK } from "./bankRegisters.ts";

/** The priority of a CPU that handles no interrupt (GICv3, ICC_RPR_EL1). */
export const IDLE_PRIORITY = 0xff;

/** What a CPU interface remembers about priorities. */
export interface PriorityState {
  readonly pmr: number;
  readonly bpr: readonly [number, number];
  readonly cbpr: boolean;
  readonly active: readonly [number, number];
}

/**
 * The part of a CPU interface that GICv2 and GICv3 share: the priority mask, the binary points and the priorities being handled
 * (GICv3 and GICv2, "Interrupt prioritization"). Lower values are more urgent.
 */
export class Priorities implements Saveable<PriorityState> {
  #pmr = 0;
  #bpr: [number, number] = [MINIMUM_BPR, MINIMUM_BPR + 1];
  #cbpr = false;
  /** The active priorities register of each group: bit n for group priority n << 3. */
  #active: [number, number] = [0, 0];

  reset(): void {
    this.load({ pmr: 0, bpr: [MINIMUM_BPR, MINIMUM_BPR + 1], cbpr: false, active: [0, 0] });
  }

  get pmr(): number {
    return this.#pmr;
  }

  set pmr(value: number) {
    this.#pmr = value & PRIORITY_MASK;
  }

  get cbpr(): boolean {
    return this.#cbpr;
  }

  /** BPR0 rules both groups. */
  set cbpr(value: boolean) {
    this.#cbpr = value;
  }

  /** The group's own binary point, whether or not CBPR makes it count. */
  bpr(group: 0 | 1): number {
    return this.#bpr[group];
  }

  setBpr(group: 0 | 1, value: number): void {
    this.#bpr[group] = Math.max(value & 7, MINIMUM_BPR + group);
  }

  activePriorities(group: 0 | 1): number {
    return this.#active[group];
  }

  setActivePriorities(group: 0 | 1, value: number): void {
    this.#active[group] = value >>> 0;
  }

  /** The most urgent priority being handled, or IDLE_PRIORITY. */
  get running(): number {
    const all = (this.#active[0] | this.#active[1]) >>> 0;
    return all === 0 ? IDLE_PRIORITY : lowestBit(all) << 3;
  }

  /** The group of the interrupt being handled; group 0 where both have the same priority. */
  get runningGroup(): 0 | 1 | undefined {
    const [group0, group1] = this.#active;
    if (group0 === 0 && group1 === 0) return undefined;
    if (group1 === 0) return 0;
    if (group0 === 0) return 1;
    return lowestBit(group0) <= lowestBit(group1) ? 0 : 1;
  }

  /** Whether an interrupt passes the mask and is more urgent, by group priority, than what is being handled. */
  canSignal(priority: number, group: 0 | 1): boolean {
    if (priority >= this.#pmr) return false;
    const { running } = this;
    const mask = this.#groupMask(group);
    return running === IDLE_PRIORITY || (priority & mask) < (running & mask);
  }

  /** Begins to handle an interrupt. */
  activate(priority: number, group: 0 | 1): void {
    this.#active[group] = (this.#active[group] | (1 << ((priority & this.#groupMask(group)) >> 3))) >>> 0;
  }

  /** Ends the handling of the group's most urgent interrupt (priority drop). */
  drop(group: 0 | 1): void {
    const bits = this.#active[group];
    this.#active[group] = (bits & (bits - 1)) >>> 0;
  }

  save(): PriorityState {
    return { pmr: this.#pmr, bpr: [...this.#bpr], cbpr: this.#cbpr, active: [...this.#active] };
  }

  load(state: PriorityState): void {
    this.#pmr = state.pmr;
    this.#bpr = [...state.bpr];
    this.#cbpr = state.cbpr;
    this.#active = [...state.active];
  }

  /** GICv3, ICC_BPR0_EL1 and ICC_BPR1_EL1: BPR0 = n leaves bits [7:n+1] to the group priority, group 1's own BPR1 = n bits [7:n]. */
  #groupMask(group: 0 | 1): number {
    const lowest = group === 1 && !this.#cbpr ? this.#bpr[1] : this.#bpr[0] + 1;
    return (0xff << lowest) & 0xff;
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
