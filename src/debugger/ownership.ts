import type { DebugEvent } from "./architecture.ts";
import type { Breakpoint, BreakpointList, Watchpoint } from "./breakpoints.ts";
import type { StepOver } from "./stepOver.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** Whose a debug event is. */
export type Owner =
  /** The run loop's own step. */
  | { readonly kind: "step" }
  | { readonly kind: "breakpoints"; readonly breakpoints: readonly Breakpoint[] }
  | {
      readonly kind: "watchpoints";
      readonly watchpoints: readonly Watchpoint[];
      readonly access: "read" | "write";
      readonly address: bigint;
    }
  /** Nothing the user planted explains it. */
  | { readonly kind: "guest" };

const guest: Owner = { kind: "guest" };

/**
 * Decides whose a debug event is: only the list of what the user planted can tell.
 * @param unseen the substrate says that it is an unseen breakpoint.
 * @param stepping the vCPU has been told to step.
 * @param stepOver what is not planted at the moment.
 */
export function ownerOf(
  event: DebugEvent,
  vcpu: DebuggedVcpu,
  list: BreakpointList,
  {
    unseen,
    stepping,
    stepOver,
  }: {
    readonly unseen: boolean;
    readonly stepping: boolean;
    readonly stepOver: StepOver | undefined;
  },
): Owner {
  switch (event.kind) {
    case "step":
      return stepping ? { kind: "step" } : guest;
    case "breakpoint-instruction":
    case "hardware-breakpoint": {
      const here = list.at(vcpu, vcpu.pc);
      const planted = event.kind === "hardware-breakpoint" ? (unseen ? "unseen" : "hardware") : "patched";
      const explained = here.some(({ kind, physical }) => {
        if (kind !== planted) return false;
        return stepOver === undefined || (physical !== undefined && !stepOver.lifts(physical));
      });
      // Others at the same place are hit as well: the instruction is executed once for all.
      return explained ? { kind: "breakpoints", breakpoints: here } : guest;
    }
    case "watchpoint": {
      const { address, write } = event;
      const watchpoints = list
        .watching(address, write)
        .filter((each) => stepOver?.watchpoints.has(each) !== true);
      if (watchpoints.length === 0) return guest;
      return { kind: "watchpoints", watchpoints, access: write ? "write" : "read", address };
    }
    case "other":
      return guest;
  }
}
