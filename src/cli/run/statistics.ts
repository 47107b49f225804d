import type { RunnableGuest } from "./runnable.ts";

/** Milliseconds of real time. */
export interface RunTimes {
  /** Before the guest's first instruction. */
  readonly starting: number;
  readonly running: number;
  /** Of `running`: while the guest waited for the wall clock or for input. */
  readonly slept: number;
}

/** What a run did, in lines for the user. */
export function describeRun(guest: RunnableGuest, { starting, running, slept }: RunTimes): string {
  const { machine } = guest;
  const instructions = guest.instructions();
  const busy = running - slept;
  const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(3)} s`;
  const exits = Object.entries(machine.exitCounts)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${reason} ${count.toLocaleString("en")}`);
  return [
    ...(instructions === undefined ? [] : [`instructions   ${instructions.toLocaleString("en")}`]),
    `virtual time   ${(machine.now / 1e9).toFixed(6)} s`,
    `wall time      ${seconds(running)} after ${seconds(starting)} to start` +
      (slept > 0 ? `, of which it slept ${seconds(slept)}` : ""),
    ...(instructions === undefined
      ? []
      : [`speed          ${(busy > 0 ? instructions / busy / 1000 : 0).toFixed(1)} MIPS`]),
    `exits          ${exits.length === 0 ? "none" : exits.join(", ")}`,
    ...(machine.engineLines?.() ?? []),
  ].join("\n");
}
