import type { Saveable } from "../device.ts";
import { FIRST_PPI, FIRST_SPI, type PendingLines } from "../interruptController.ts";
import { InterruptBank, type InterruptBankState } from "./interruptBank.ts";
import { Priorities, type PriorityState } from "./priority.ts";

/** No interrupt (GICv3, "Special INTIDs"). */
export const SPURIOUS = 1023;
/** INTIDs from here on are not interrupts. */
export const FIRST_SPECIAL = 1020;

/** A mistake of whoever wires or drives an interrupt controller. */
export class InterruptControllerError extends Error {
  override readonly name = "InterruptControllerError";
}

/** What the versions of the GIC decide differently. */
export interface GicPolicy {
  /** The groups whose interrupts may reach this CPU: bit 0 for group 0, bit 1 for group 1. */
  groupsEnabled(cpu: number): number;
  /** The groups that are signalled to this CPU as FIQ, likewise. */
  fiqGroups(cpu: number): number;
}

/** What the versions of the GIC remember alike. */
export interface GicCoreState {
  readonly private: readonly InterruptBankState[];
  readonly shared: InterruptBankState;
  /** For each CPU, the shared interrupts that may go to it: words of 32 bits. */
  readonly targets: readonly (readonly number[])[];
  readonly priorities: readonly PriorityState[];
}

/** A pending interrupt. */
export interface Candidate {
  readonly intid: number;
  readonly priority: number;
  readonly group: 0 | 1;
}

/** Choosing, signalling and ending interrupts: the rules that GICv2 and GICv3 share. */
export class GicCore implements Saveable<GicCoreState> {
  readonly cpus: number;
  readonly intids: number;
  /** Each CPU's INTIDs 0–31. */
  readonly private: readonly InterruptBank[];
  /** INTIDs from 32. */
  readonly shared: InterruptBank;
  readonly targets: readonly Uint32Array[];
  readonly priorities: readonly Priorities[];
  onChange: ((cpu: number) => void) | undefined;
  readonly #policy: GicPolicy;
  /** What was last told of each CPU: bit 0 IRQ, bit 1 FIQ. */
  readonly #lines: Uint8Array;

  /** @throws InterruptControllerError unless 1–8 CPUs and a multiple of 32 interrupts between 64 and 992 are asked for. */
  constructor(cpus: number, intids: number, policy: GicPolicy) {
    if (!Number.isInteger(cpus) || cpus < 1 || cpus > 8) {
      throw new InterruptControllerError(`a GIC here serves 1 to 8 CPUs, not ${cpus}`);
    }
    if (intids % 32 !== 0 || intids < 64 || intids > 992) {
      throw new InterruptControllerError(
        `a GIC has a multiple of 32 interrupts from 64 to 992, not ${intids}`,
      );
    }
    this.cpus = cpus;
    this.intids = intids;
    this.#policy = policy;
    this.private = Array.from({ length: cpus }, () => new InterruptBank(FIRST_SPI));
    this.shared = new InterruptBank(intids - FIRST_SPI);
    this.targets = Array.from({ length: cpus }, () => new Uint32Array(this.shared.words));
    this.priorities = Array.from({ length: cpus }, () => new Priorities());
    this.#lines = new Uint8Array(cpus);
  }

  reset(): void {
    for (const bank of [...this.private, this.shared]) bank.reset();
    for (const words of this.targets) words.fill(0);
    for (const priorities of this.priorities) priorities.reset();
  }

  setSpi(intid: number, level: boolean): void {
    if (!Number.isInteger(intid) || intid < FIRST_SPI || intid >= this.intids) {
      throw new InterruptControllerError(
        `INTID ${intid} is no SPI of this GIC (${FIRST_SPI}–${this.intids - 1})`,
      );
    }
    if (this.shared.setLine(intid - FIRST_SPI, level)) this.update();
  }

  setPpi(cpu: number, intid: number, level: boolean): void {
    if (!Number.isInteger(intid) || intid < FIRST_PPI || intid >= FIRST_SPI) {
      throw new InterruptControllerError(`INTID ${intid} is no PPI (${FIRST_PPI}–${FIRST_SPI - 1})`);
    }
    if (this.privateOf(cpu).setLine(intid, level)) this.update();
  }

  pending(cpu: number): PendingLines {
    const lines = this.#lines[this.#known(cpu)] ?? 0;
    return { irq: (lines & 1) !== 0, fiq: (lines & 2) !== 0 };
  }

  privateOf(cpu: number): InterruptBank {
    return this.private[this.#known(cpu)] as InterruptBank;
  }

  prioritiesOf(cpu: number): Priorities {
    return this.priorities[this.#known(cpu)] as Priorities;
  }

  /** The bank that holds `intid` for this CPU and its place there; undefined if there is no such interrupt. */
  locate(cpu: number, intid: number): { readonly bank: InterruptBank; readonly index: number } | undefined {
    if (intid < FIRST_SPI) return { bank: this.privateOf(cpu), index: intid };
    return intid < this.intids ? { bank: this.shared, index: intid - FIRST_SPI } : undefined;
  }

  /** The most urgent interrupt that is pending for the CPU, enabled and not active; the lowest INTID among equals. */
  highestPending(cpu: number): Candidate | undefined {
    const groups = this.#policy.groupsEnabled(cpu);
    if (groups === 0) return undefined;
    const own = mostUrgent(this.privateOf(cpu), undefined, groups);
    const shared = mostUrgent(this.shared, this.targets[cpu], groups);
    const bank = this.privateOf(cpu);
    const useOwn =
      own >= 0 && (shared < 0 || (bank.priority[own] ?? 0) <= (this.shared.priority[shared] ?? 0));
    if (useOwn) return { intid: own, priority: bank.priority[own] ?? 0, group: bank.groupOf(own) };
    if (shared < 0) return undefined;
    return {
      intid: shared + FIRST_SPI,
      priority: this.shared.priority[shared] ?? 0,
      group: this.shared.groupOf(shared),
    };
  }

  /** The interrupt signalled to the CPU now: it passes mask and running priority. */
  signalled(cpu: number): Candidate | undefined {
    const candidate = this.highestPending(cpu);
    return candidate && this.prioritiesOf(cpu).canSignal(candidate.priority, candidate.group)
      ? candidate
      : undefined;
  }

  /** The CPU takes the interrupt: active, and its priority is being handled. */
  acknowledge(cpu: number, candidate: Candidate): void {
    const place = this.locate(cpu, candidate.intid);
    place?.bank.acknowledge(place.index);
    this.prioritiesOf(cpu).activate(candidate.priority, candidate.group);
  }

  deactivate(cpu: number, intid: number): void {
    const place = this.locate(cpu, intid);
    place?.bank.deactivate(place.index);
  }

  /** Works out every CPU's inputs anew and tells of those that changed: the end of every change of state. */
  update(): void {
    for (let cpu = 0; cpu < this.cpus; cpu += 1) {
      const signalled = this.signalled(cpu);
      let lines = 0;
      if (signalled) lines = this.#policy.fiqGroups(cpu) & (1 << signalled.group) ? 2 : 1;
      if (lines === this.#lines[cpu]) continue;
      this.#lines[cpu] = lines;
      this.onChange?.(cpu);
    }
  }

  save(): GicCoreState {
    return {
      private: this.private.map((bank) => bank.save()),
      shared: this.shared.save(),
      targets: this.targets.map((words) => [...words]),
      priorities: this.priorities.map((priorities) => priorities.save()),
    };
  }

  /** @throws InterruptControllerError if the state is of a GIC with other CPUs or interrupts. */
  load(state: GicCoreState): void {
    if (state.private.length !== this.cpus || state.shared.priority.length !== this.intids - FIRST_SPI) {
      throw new InterruptControllerError(
        "the saved state is of a GIC with another number of CPUs or interrupts",
      );
    }
    for (const [cpu, bank] of this.private.entries()) {
      const saved = state.private[cpu];
      if (saved) bank.load(saved);
      this.targets[cpu]?.set(state.targets[cpu] ?? []);
      const priorities = state.priorities[cpu];
      if (priorities) this.priorities[cpu]?.load(priorities);
    }
    this.shared.load(state.shared);
  }

  #known(cpu: number): number {
    if (cpu >= 0 && cpu < this.cpus) return cpu;
    throw new InterruptControllerError(`CPU ${cpu} is not one of this GIC's ${this.cpus}`);
  }
}

/** Index of the bank's most urgent interrupt that may be signalled, or −1. */
function mostUrgent(bank: InterruptBank, targets: Uint32Array | undefined, groups: number): number {
  let best = -1;
  let bestPriority = 0x100;
  for (let word = 0; word < bank.words; word += 1) {
    const group = bank.group[word] ?? 0;
    const allowed = (groups & 1 ? ~group : 0) | (groups & 2 ? group : 0);
    let bits =
      bank.pending(word) &
      (bank.enabled[word] ?? 0) &
      ~(bank.active[word] ?? 0) &
      allowed &
      (targets?.[word] ?? -1);
    while (bits !== 0) {
      const index = word * 32 + 31 - Math.clz32(bits & -bits);
      const priority = bank.priority[index] ?? 0;
      if (priority < bestPriority) {
        best = index;
        bestPriority = priority;
      }
      bits &= bits - 1;
    }
  }
  return best;
}
