import type { BreakpointList, Watchpoint } from "./breakpoints.ts";
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
  readonly #patches: Patches;
  readonly #lifted: readonly bigint[];

  private constructor(
    vcpu: DebuggedVcpu,
    pc: bigint,
    watchpoints: ReadonlySet<Watchpoint>,
    patches: Patches,
    lifted: readonly bigint[],
  ) {
    this.vcpu = vcpu;
    this.pc = pc;
    this.watchpoints = watchpoints;
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
  ): StepOver | undefined {
    const here = list.at(vcpu, pc);
    const lifted = here.flatMap(({ physical }) => (physical === undefined ? [] : [physical]));
    const isNeeded = watchpoints.size > 0 || here.some(({ kind }) => kind !== "unseen");
    return isNeeded ? new StepOver(vcpu, pc, watchpoints, patches, lifted) : undefined;
  }

  begin(): void {
    for (const address of this.#lifted) this.#patches.lift(address);
  }

  end(): void {
    for (const address of this.#lifted) this.#patches.renew(address);
  }

  /** Whether the patch at this address is lifted now. */
  lifts(address: bigint): boolean {
    return this.#lifted.includes(address);
  }
}
