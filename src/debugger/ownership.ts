import type { DebugArchitecture, DebugEvent, DebugExit } from "./architecture.ts";
import type { Breakpoint, Watchpoint } from "./breakpoint.ts";
import type { BreakpointList } from "./breakpoints.ts";
import type { Patches } from "./patches.ts";
import type { PlacementWatch } from "./placementWatch.ts";
import type { ExitRuleName } from "./rules.ts";
import type { StepOver } from "./stepOver.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** Whose a debug event is, and by which rule. */
export type Owner = { readonly rule: ExitRuleName } & (
  | /** The run loop's own step. */ { readonly kind: "step" }
  | { readonly kind: "breakpoints"; readonly breakpoints: readonly Breakpoint[] }
  | {
      readonly kind: "watchpoints";
      readonly watchpoints: readonly Watchpoint[];
      readonly access: "read" | "write";
      readonly address: bigint;
    }
  /** The present step has come to its end. */
  | { readonly kind: "step-end" }
  /** What is planted at PC is nobody's business here: the vCPU gets past it unnoticed. */
  | { readonly kind: "pass" }
  /** The kernel has come to where it stays. */
  | { readonly kind: "placed" }
  /** A copy the guest has made of a planted instruction, at this guest-physical address. */
  | { readonly kind: "copy"; readonly physical: bigint; readonly original: Uint8Array }
  /** Nothing the user planted explains it. */
  | { readonly kind: "guest" }
  /** The same, and the guest would not have taken it. */
  | { readonly kind: "masked" }
);

/** What decides. */
export interface OwnershipParts {
  readonly architecture: DebugArchitecture;
  readonly breakpoints: BreakpointList;
  readonly patches: Patches;
  readonly placement: PlacementWatch;
}

/** What the vCPU was doing. */
export interface OwnershipContext {
  /** The vCPU has been told to step. */
  readonly stepping: boolean;
  /** What is not planted at the moment. */
  readonly stepOver: StepOver | undefined;
}

const step: Owner = { kind: "step", rule: "step" };
const stepPast: Owner = { kind: "step", rule: "step-past" };

/** Decides whose a debug exit is: only the list of what the user planted can tell. */
export function ownerOf(
  event: DebugEvent,
  exit: DebugExit,
  vcpu: DebuggedVcpu,
  parts: OwnershipParts,
  context: OwnershipContext,
): Owner {
  switch (event.kind) {
    case "step":
      if (!context.stepping) return ofGuest("guest-step", exit, vcpu, parts);
      return context.stepOver === undefined ? step : stepPast;
    case "breakpoint-instruction":
      return instructionOwner(exit, vcpu, parts);
    case "hardware-breakpoint":
      return exit.unseen === true ? unseenOwner(vcpu, parts) : hardwareOwner(exit, vcpu, parts, context);
    case "watchpoint": {
      const { address, write } = event;
      const watchpoints = parts.breakpoints
        .watching(address, write)
        .filter((each) => context.stepOver?.watchpoints.has(each) !== true);
      if (watchpoints.length === 0) return ofGuest("not-watched", exit, vcpu, parts);
      const access = write ? "write" : "read";
      return { kind: "watchpoints", rule: "watched", watchpoints, access, address };
    }
    case "other":
      return ofGuest("other", exit, vcpu, parts);
  }
}

/** A breakpoint instruction was executed. */
function instructionOwner(exit: DebugExit, vcpu: DebuggedVcpu, parts: OwnershipParts): Owner {
  const { architecture, breakpoints, patches, placement } = parts;
  const { pc } = vcpu;
  const physical = vcpu.translate(pc);
  if (physical !== undefined && patches.stands(physical)) {
    const here = breakpoints.at(pc);
    // Others at the same place are hit as well: the instruction is executed once for all.
    if (here.some(({ kind }) => kind === "patched"))
      return { kind: "breakpoints", rule: "planted", breakpoints: here };
    if (breakpoints.stepEnds.has(pc)) return stepEnd(vcpu, pc, breakpoints);
    if (placement.isAt(physical)) return { kind: "placed", rule: "placed" };
    for (const each of breakpoints.patchedAt(physical)) each.history.elsewhere++;
    return { kind: "pass", rule: "alias" };
  }
  const number = architecture.numberedBreakpoints?.numberOf(exit);
  if (number !== undefined && physical !== undefined) {
    const original = patches.originalOfCopy(number, physical);
    if (original !== undefined) return { kind: "copy", rule: "copy", physical, original };
  }
  return ofGuest("not-planted", exit, vcpu, parts);
}

/** The vCPU is at the address of an unseen breakpoint, or of the guard beside a patched one. */
function unseenOwner(vcpu: DebuggedVcpu, { breakpoints, patches }: OwnershipParts): Owner {
  const { pc } = vcpu;
  const here = breakpoints.at(pc);
  if (here.some(({ kind }) => kind === "unseen"))
    return { kind: "breakpoints", rule: "unseen", breakpoints: here };
  if (here.some(({ kind }) => kind === "patched")) {
    const physical = vcpu.translate(pc);
    if (physical !== undefined && patches.stands(physical)) return { kind: "pass", rule: "guard" };
    breakpoints.follow(vcpu, pc);
    return { kind: "breakpoints", rule: "replaced", breakpoints: here };
  }
  return breakpoints.stepEnds.has(pc) ? stepEnd(vcpu, pc, breakpoints) : { kind: "pass", rule: "gone" };
}

/** A breakpoint register matches. */
function hardwareOwner(
  exit: DebugExit,
  vcpu: DebuggedVcpu,
  parts: OwnershipParts,
  { stepOver }: OwnershipContext,
): Owner {
  const { pc } = vcpu;
  const here = parts.breakpoints.at(pc);
  const isHeld = stepOver?.pc === pc;
  if (isHeld || here.length === 0) return ofGuest("not-hardware", exit, vcpu, parts);
  // The guest's own register may have matched before the planted instruction was reached: the user's is first nevertheless.
  const rule = here.some(({ kind }) => kind === "hardware") ? "hardware" : "planted";
  return { kind: "breakpoints", rule, breakpoints: here };
}

function stepEnd(vcpu: DebuggedVcpu, pc: bigint, breakpoints: BreakpointList): Owner {
  return breakpoints.stepEnds.isFor(vcpu, pc)
    ? { kind: "step-end", rule: "sequence" }
    : { kind: "pass", rule: "sequence" };
}

function ofGuest(
  rule: ExitRuleName,
  exit: DebugExit,
  vcpu: DebuggedVcpu,
  { architecture }: OwnershipParts,
): Owner {
  const takes = architecture.guestTakes?.(vcpu.kvm, exit) ?? true;
  return takes ? { kind: "guest", rule } : { kind: "masked", rule: "masked" };
}
