import type { EngineStatistics } from "../engine/engine.ts";

/** What the engine did, in lines for the user. `instructions`: all that the guest has retired. */
export function describeEngine(engine: EngineStatistics, instructions: number): readonly string[] {
  const count = (value: number): string => value.toLocaleString("en");
  const { regions, exits, compiledInstructions } = engine;
  const misses =
    `TLB misses     ${count(engine.slowLoads)} loads, ${count(engine.slowStores)} stores, ` +
    `${count(engine.slowFetches)} fetches that took a call`;
  if (regions === undefined) return ["engine         interpreter", misses];
  const share = instructions === 0 ? 0 : (100 * compiledInstructions) / instructions;
  const seconds = (regions.milliseconds / 1000).toFixed(3);
  return [
    `compiled       ${share.toFixed(1)} % of the instructions ran in regions`,
    `regions        ${count(regions.live)} in use of ${count(regions.compiled)} compiled in ${seconds} s: ` +
      `${count(regions.instructions)} instructions, ${count(regions.bytes)} bytes of WebAssembly`,
    `region exits   ${Object.entries(exits)
      .map(([kind, times]) => `${kind} ${count(times)}`)
      .join(", ")}`,
    misses,
  ];
}
