import type { Breakpoint, Condition, Watchpoint } from "./breakpoint.ts";
import type { BreakpointList } from "./breakpoints.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** What the conditions and counts of what was hit say. */
export interface Verdict {
  /** Those that want to stop. */
  readonly hit: readonly (Breakpoint | Watchpoint)[];
  /** Why a condition could not be evaluated: then the guest stops. */
  readonly failure: string | undefined;
}

/** Asks the conditions of what a vCPU has hit, and writes down what came of it. */
export function judge(
  what: readonly (Breakpoint | Watchpoint)[],
  vcpu: DebuggedVcpu,
  list: BreakpointList,
  time: number,
): Verdict {
  let failure: string | undefined;
  const hit = what.filter((each) => {
    const { history } = each;
    history.hits++;
    history.last = { vcpu: vcpu.id, time };
    const holds = verdictOf(each.condition, vcpu);
    if (typeof holds === "string") failure ??= holds;
    if (holds === false) history.conditionFalse++;
    if (holds !== true) return false;
    if ("registers" in each || !list.passOver(each)) return true;
    history.ignored++;
    return false;
  });
  return { hit, failure };
}

/** Whether a condition lets the guest stop; a text when it cannot be evaluated. */
function verdictOf(condition: Condition | undefined, vcpu: DebuggedVcpu): boolean | string {
  if (condition === undefined) return true;
  try {
    return condition(vcpu);
  } catch (error) {
    return `a breakpoint's condition failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
