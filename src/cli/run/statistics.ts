import type { KvmExit } from "../../kvm/exits.ts";

/** Counts what a run did. */
export class Statistics {
  readonly #exits = new Map<KvmExit["reason"], number>();

  observe(exit: KvmExit): void {
    this.#exits.set(exit.reason, (this.#exits.get(exit.reason) ?? 0) + 1);
  }

  /**
   * The report, in lines.
   * @param run instructions retired; virtual nanoseconds; milliseconds of real time, and how many of them the guest slept
   */
  report(run: {
    readonly instructions: number;
    readonly virtualNanoseconds: number;
    readonly starting: number;
    readonly running: number;
    readonly slept: number;
  }): string {
    const busy = run.running - run.slept;
    const speed = busy > 0 ? run.instructions / busy / 1000 : 0;
    const exits = [...this.#exits]
      .sort(([, a], [, b]) => b - a)
      .map(([reason, count]) => `${reason} ${count.toLocaleString("en")}`);
    return [
      `instructions   ${run.instructions.toLocaleString("en")}`,
      `virtual time   ${(run.virtualNanoseconds / 1e9).toFixed(6)} s`,
      `wall time      ${(run.running / 1000).toFixed(3)} s, after ${(run.starting / 1000).toFixed(3)} s to start` +
        (run.slept > 0 ? `; slept ${(run.slept / 1000).toFixed(3)} s` : ""),
      `speed          ${speed.toFixed(1)} MIPS`,
      `exits          ${exits.length === 0 ? "none" : exits.join(", ")}`,
    ].join("\n");
  }
}
