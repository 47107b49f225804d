import type { Watchpoint } from "./breakpoint.ts";
import type { BreakpointList } from "./breakpoints.ts";
import type { Patches } from "./patches.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/**
 * One vCPU gets past what is planted at its PC: the patch there is lifted and the registers are left out, it executes one
 * instruction while all others stand, and then everything is as before.
 */
export class StepOver {
  readonly vcpu: DebuggedVcpu;
  readonly pc: bigint;
  readonly watchpoints: ReadonlySet<Watchpoint>;
  /** The guest's own debug registers are left out too: it has masked what they cause. */
  readonly withoutGuest: boolean;
  readonly #patches: Patches;
  readonly #lifted: bigint | undefined;

  private constructor(
    vcpu: DebuggedVcpu,
    pc: bigint,
    watchpoints: ReadonlySet<Watchpoint>,
    patches: Patches,
    lifted: bigint | undefined,
    withoutGuest: boolean,
  ) {
    this.vcpu = vcpu;
    this.pc = pc;
    this.watchpoints = watchpoints;
    this.withoutGuest = withoutGuest;
    this.#patches = patches;
    this.#lifted = lifted;
  }

  /**
   * What the vCPU needs to get off its PC; undefined when it can simply run.
   * @param watchpoints those that have been reported.
   */
  static plan(
    vcpu: DebuggedVcpu,
    pc: bigint,
    watchpoints: ReadonlySet<Watchpoint>,
    list: BreakpointList,
    patches: Patches,
    withoutGuest = false,
  ): StepOver | undefined {
    const physical = patches.size === 0 ? undefined : vcpu.translate(pc);
    const lifted = physical !== undefined && patches.stands(physical) ? physical : undefined;
    const isNeeded =
      withoutGuest ||
      watchpoints.size > 0 ||
      lifted !== undefined ||
      list.at(pc).some(({ kind }) => kind === "hardware");
    return isNeeded ? new StepOver(vcpu, pc, watchpoints, patches, lifted, withoutGuest) : undefined;
  }

  begin(): void {
    if (this.#lifted !== undefined) this.#patches.lift(this.#lifted);
  }

  end(): void {
    if (this.#lifted !== undefined) this.#patches.restore(this.#lifted);
  }
}
