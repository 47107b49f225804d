import type { FlagMeanings } from "./flagMeanings.ts";
import type { RegionPlan } from "./plan.ts";

/**
 * The plan with the flags left in memory, if nothing in the region needs them but what follows their producer in the same block
 * and is told by it: then they are written once, on the way out, and not loaded at all.
 */
export function leaveLazyFlags(plan: RegionPlan, meanings: FlagMeanings): RegionPlan {
  const flags = new Set(
    plan.blocks.flatMap(({ effects }) => effects.flatMap(({ lazyFields }) => lazyFields)),
  );
  if (flags.size === 0 || plan.blocks.some((block) => needsFlags(block, flags, meanings))) return plan;
  const others = (fields: readonly number[]): readonly number[] =>
    fields.filter((field) => !flags.has(field));
  return {
    ...plan,
    fields: plan.fields.without(flags),
    used: others(plan.used),
    dirty: others(plan.dirty),
  };
}

/** Whether the block reads flags that it has not made, writes some of them otherwise, or asks what their producer cannot tell. */
function needsFlags(
  { effects }: RegionPlan["blocks"][number],
  flags: ReadonlySet<number>,
  meanings: FlagMeanings,
): boolean {
  let told: (condition: number) => boolean = () => false;
  for (const { exposed, eager, conditions, lazy, lazyFields } of effects) {
    if (exposed.some((field) => flags.has(field)) || eager.some((field) => flags.has(field))) return true;
    if (!conditions.every((condition) => told(condition))) return true;
    const last = lazy.at(-1);
    if (last === undefined) continue;
    if (lazyFields.length < flags.size) return true;
    const types = last.args.map(({ type }) => type);
    told = (condition) => meanings.condition(last.producer, types, condition) !== undefined;
  }
  return false;
}
