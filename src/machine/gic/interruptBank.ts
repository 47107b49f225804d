import type { Saveable } from "../device.ts";

/** What a bank of interrupts remembers: one bit an interrupt in words of 32, priorities a byte each. */
export interface InterruptBankState {
  readonly enabled: readonly number[];
  readonly latch: readonly number[];
  readonly line: readonly number[];
  readonly active: readonly number[];
  readonly group: readonly number[];
  readonly edge: readonly number[];
  readonly priority: readonly number[];
}

/**
 * The distributor's state of some interrupts, counted from 0: a CPU's private 32, or all shared ones. Pending is not stored: an
 * edge-triggered interrupt is pending while its latch is set, a level-sensitive one also while its input is high (GICv2, GICD_ISPENDR).
 */
export class InterruptBank implements Saveable<InterruptBankState> {
  readonly words: number;
  readonly enabled: Uint32Array;
  /** Pending by an edge, by software, or by an SGI. */
  readonly latch: Uint32Array;
  /** The inputs' levels. */
  readonly line: Uint32Array;
  readonly active: Uint32Array;
  /** Set: group 1. */
  readonly group: Uint32Array;
  /** Set: edge-triggered. */
  readonly edge: Uint32Array;
  readonly priority: Uint8Array;

  /** @param count a multiple of 32. */
  constructor(count: number) {
    this.words = count / 32;
    this.enabled = new Uint32Array(this.words);
    this.latch = new Uint32Array(this.words);
    this.line = new Uint32Array(this.words);
    this.active = new Uint32Array(this.words);
    this.group = new Uint32Array(this.words);
    this.edge = new Uint32Array(this.words);
    this.priority = new Uint8Array(count);
  }

  /** Power-on state: all disabled, level-sensitive, group 0, priority 0. Inputs keep their levels. */
  reset(): void {
    for (const bits of [this.enabled, this.latch, this.active, this.group, this.edge]) bits.fill(0);
    this.priority.fill(0);
  }

  /** The pending bits of a word, unsigned. */
  pending(word: number): number {
    return ((this.latch[word] ?? 0) | ((this.line[word] ?? 0) & ~(this.edge[word] ?? 0))) >>> 0;
  }

  /** Drives an input. @returns whether its level changed. */
  setLine(index: number, level: boolean): boolean {
    const word = index >> 5;
    const bit = 1 << (index & 31);
    const before = this.line[word] ?? 0;
    if (((before & bit) !== 0) === level) return false;
    this.line[word] = before ^ bit;
    if (level && (this.edge[word] ?? 0) & bit) this.latch[word] = (this.latch[word] ?? 0) | bit;
    return true;
  }

  /** Pending becomes active; a level-sensitive input that is still high leaves it pending as well. */
  acknowledge(index: number): void {
    const word = index >> 5;
    const bit = 1 << (index & 31);
    this.active[word] = (this.active[word] ?? 0) | bit;
    this.latch[word] = (this.latch[word] ?? 0) & ~bit;
  }

  deactivate(index: number): void {
    const word = index >> 5;
    this.active[word] = (this.active[word] ?? 0) & ~(1 << (index & 31));
  }

  /** Makes an interrupt pending as an edge would. */
  latchPending(index: number): void {
    const word = index >> 5;
    this.latch[word] = (this.latch[word] ?? 0) | (1 << (index & 31));
  }

  groupOf(index: number): 0 | 1 {
    return ((this.group[index >> 5] ?? 0) >>> (index & 31)) & 1 ? 1 : 0;
  }

  save(): InterruptBankState {
    return {
      enabled: [...this.enabled],
      latch: [...this.latch],
      line: [...this.line],
      active: [...this.active],
      group: [...this.group],
      edge: [...this.edge],
      priority: [...this.priority],
    };
  }

  load(state: InterruptBankState): void {
    this.enabled.set(state.enabled);
    this.latch.set(state.latch);
    this.line.set(state.line);
    this.active.set(state.active);
    this.group.set(state.group);
    this.edge.set(state.edge);
    this.priority.set(state.priority);
  }
}
