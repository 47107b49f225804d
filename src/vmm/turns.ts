import type { EmbeddedArm64Vcpu } from "../kvm/embedded/arm64/vcpu.ts";
import type { EmbeddedArm64Vm } from "../kvm/embedded/arm64/vm.ts";

/** Instructions a vCPU runs before the next one has its turn. */
const quantum = 50_000;

/** A vCPU that waits in WFE. */
interface Sleeper {
  readonly vcpu: EmbeddedArm64Vcpu;
  /** When the event stream wakes it, if it is on. */
  readonly until: number | undefined;
  /** Whether an interrupt was pending and masked when the wait began. */
  readonly asserted: boolean;
}

/** Which of a machine's vCPUs runs: those that can, one after the other. */
export class Turns {
  readonly #vm: EmbeddedArm64Vm;
  #turn = 0;
  #left = quantum;
  /** The vCPU that waits in WFE while no other can run. */
  #sleeper: Sleeper | undefined;

  constructor(vm: EmbeddedArm64Vm) {
    this.#vm = vm;
  }

  /** The machine begins anew: it is the first vCPU's turn. */
  reset(): void {
    this.#turn = 0;
    this.#left = quantum;
    this.#sleeper = undefined;
  }

  /** Nanoseconds of virtual time that are left of the present turn. */
  get left(): number {
    return this.#vm.vcpus.length === 1 ? Number.POSITIVE_INFINITY : this.#left;
  }

  /** The vCPU whose turn it is has run for these nanoseconds. */
  use(nanoseconds: number): void {
    this.#left -= nanoseconds;
  }

  /** Its turn is over if it is used up. */
  yieldIfUsedUp(): void {
    if (this.#left <= 0) this.yield();
  }

  /** Its turn is over. */
  yield(): void {
    this.#turn = (this.#turn + 1) % this.#vm.vcpus.length;
    this.#left = quantum;
  }

  /** The vCPU whose turn it is, or the next that can run; undefined when none can. Those of `standing` cannot. */
  next(standing: ReadonlySet<number> | undefined): EmbeddedArm64Vcpu | undefined {
    const { vcpus } = this.#vm;
    for (let i = 0; i < vcpus.length; i++) {
      const vcpu = vcpus[(this.#turn + i) % vcpus.length];
      if (vcpu === undefined || standing?.has(vcpu.id) === true || !vcpu.runnable || this.#asleep(vcpu))
        continue;
      if (i > 0) {
        this.#turn = vcpu.id;
        this.#left = quantum;
      }
      return vcpu;
    }
    return undefined;
  }

  /**
   * WFE is a yield while another vCPU can run: what it waits for may come without an event. With all others waiting it
   * really waits, for an interrupt, the event stream, or another vCPU that has become able to run.
   */
  waitForEvent(vcpu: EmbeddedArm64Vcpu): void {
    this.yield();
    if (this.#otherIsRunnable(vcpu)) return;
    const { cpu } = vcpu;
    this.#sleeper = { vcpu, until: cpu.timers.nextStreamEvent(), asserted: cpu.interrupts.asserted };
  }

  /** When the event stream wakes the vCPU that waits in WFE, if it does. */
  get wakes(): number | undefined {
    return this.#sleeper?.until;
  }

  /** Who waits in WFE looks again. */
  wake(): void {
    this.#sleeper = undefined;
  }

  /** Whether this vCPU waits in WFE. */
  #asleep(vcpu: EmbeddedArm64Vcpu): boolean {
    const sleeper = this.#sleeper;
    if (sleeper?.vcpu !== vcpu) return false;
    const { cpu } = vcpu;
    const { cluster } = this.#vm;
    cluster.activate(vcpu.id);
    cpu.timers.keep();
    // A masked interrupt that was not there before wakes once, for guests that look at ISR_EL1 themselves.
    const wakes =
      cpu.eventPending ||
      cpu.interrupts.pending ||
      (cpu.interrupts.asserted && !sleeper.asserted) ||
      vcpu.debug.stepping ||
      cluster.clock.nanoseconds >= (sleeper.until ?? Number.POSITIVE_INFINITY) ||
      this.#otherIsRunnable(vcpu);
    if (wakes) this.#sleeper = undefined;
    return !wakes;
  }

  #otherIsRunnable(vcpu: EmbeddedArm64Vcpu): boolean {
    return this.#vm.vcpus.some((other) => other !== vcpu && other.runnable);
  }
}
