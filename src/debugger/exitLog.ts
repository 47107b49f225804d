import type { KvmExit, X86Exit } from "../kvm/exits.ts";
import type { ExitRuleName } from "./rules.ts";

/** What came of an exit. */
export type ExitOutcome =
  /** The guest runs on. */
  | "resumed"
  /** The guest runs on in its own handler. */
  | "delivered"
  /** The run is over. */
  | "stopped";

/** One exit: what, why, whose, what came of it and what it cost. */
export interface ExitRecord {
  /** 1, 2, … since the machine was made; exits without meaning for the guest (INTR) are not counted. */
  readonly number: number;
  /** Nanosecond of virtual time. */
  readonly time: number;
  readonly vcpu: number;
  readonly exit: KvmExit | X86Exit;
  /** Where the vCPU was, for debug exits. */
  readonly pc: bigint | undefined;
  readonly rule: ExitRuleName;
  readonly outcome: ExitOutcome;
  /** Nanoseconds the debugger took over a debug exit; not measured for single steps and for what the machine answers. */
  readonly cost: number | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const noExit: KvmExit = { reason: "INTR" };

/** Records kept. */
const capacity = 2048;

/**
 * The last exits, for a user who asks what happened. Always on: it keeps what there is already and makes nothing new.
 * A debug exit is noted when it comes and decided by the debugger; others are the machine's.
 */
export class ExitLog {
  /** Gets every record, decided; valid until it returns. */
  listener: ((record: ExitRecord) => void) | undefined;
  readonly #now: () => number;
  readonly #clock: () => number;
  readonly #copies: boolean;
  readonly #records: readonly Writable<ExitRecord>[];
  #count = 0;
  /** When the debug exit came that is not decided yet, in milliseconds of the host; undefined: none is open. */
  #begin: number | undefined;
  #open: Writable<ExitRecord> | undefined;

  /**
   * @param now nanoseconds of virtual time
   * @param clock milliseconds of the host
   * @param copies exits must be copied to be kept
   */
  constructor(now: () => number, clock: () => number, copies = false) {
    this.#copies = copies;
    this.#now = now;
    this.#clock = clock;
    this.#records = Array.from({ length: capacity }, () => ({
      number: 0,
      time: 0,
      vcpu: 0,
      exit: noExit,
      pc: undefined,
      rule: "other" as const,
      outcome: "resumed" as const,
      cost: undefined,
    }));
  }

  /** How many exits there have been. */
  get count(): number {
    return this.#count;
  }

  /** The last `most` records, oldest first. */
  last(most: number): readonly ExitRecord[] {
    const kept = Math.min(most, this.#count, capacity);
    return Array.from({ length: kept }, (_, n) => ({ ...this.#at(this.#count - kept + n) }));
  }

  /** Every exit, as the machine sees it. */
  note(vcpu: number, exit: KvmExit | X86Exit): void {
    if (exit.reason === "INTR") return;
    const record = this.#at(this.#count++);
    record.number = this.#count;
    record.time = this.#now();
    record.vcpu = vcpu;
    record.exit = this.#copies ? copyOf(exit) : exit;
    record.pc = undefined;
    record.cost = undefined;
    if (exit.reason === "DEBUG") {
      this.#open = record;
      this.#begin = undefined;
      return;
    }
    this.#open = undefined;
    record.rule = ruleOf(exit);
    record.outcome = outcomeOf(exit);
    this.listener?.(record);
  }

  /** The debugger begins to look at the exit that was noted last, and its time counts. */
  measure(): void {
    this.#begin = this.#clock();
  }

  /** What the debugger has made of the debug exit that was noted last. */
  decide(rule: ExitRuleName, outcome: ExitOutcome, pc: bigint | undefined): void {
    const record = this.#open;
    if (record === undefined) return;
    this.#open = undefined;
    record.rule = rule;
    record.outcome = outcome;
    record.pc = pc;
    if (this.#begin !== undefined) record.cost = Math.round((this.#clock() - this.#begin) * 1e6);
    this.listener?.(record);
  }

  #at(index: number): Writable<ExitRecord> {
    return this.#records[index % capacity] as Writable<ExitRecord>;
  }
}

function copyOf(exit: KvmExit | X86Exit): KvmExit | X86Exit {
  switch (exit.reason) {
    case "IO":
      return { ...exit, data: exit.data.slice(0, exit.size * exit.count) };
    case "DEBUG":
      // Each of the two kinds has its own details.
      return { ...exit, arch: { ...exit.arch } } as KvmExit | X86Exit;
    default:
      return { ...exit };
  }
}

function ruleOf(exit: KvmExit | X86Exit): ExitRuleName {
  switch (exit.reason) {
    case "MMIO":
    case "IO":
    case "IRQ_WINDOW_OPEN":
      return "device";
    case "HALTED":
    case "HLT":
    case "INTR":
      return "wait";
    case "SYSTEM_EVENT":
    case "SHUTDOWN":
      return "power";
    case "HYPERCALL":
      return "hypercall";
    case "DEBUG":
      return "other";
    case "INTERNAL_ERROR":
    case "FAIL_ENTRY":
    case "OTHER":
      return "failure";
  }
}

/** Exits after which nobody runs the guest on by himself. */
const ends: ReadonlySet<string> = new Set([
  "SYSTEM_EVENT",
  "SHUTDOWN",
  "HYPERCALL",
  "INTERNAL_ERROR",
  "FAIL_ENTRY",
  "OTHER",
]);

const outcomeOf = ({ reason }: KvmExit | X86Exit): ExitOutcome => (ends.has(reason) ? "stopped" : "resumed");
