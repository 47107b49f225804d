import { arm64State } from "../../isa/arm64/state.ts";
import type { Arm64Cluster } from "./cluster.ts";
import type { Arm64Cpu } from "./cpu.ts";
import type { CpuEvent, CpuExit } from "./events.ts";
import { type ExceptionReport, legalReturn, takeException, vectorKind } from "./exceptions.ts";
import type { HalfDoneInstruction } from "./halfDoneInstruction.ts";
import { pstate } from "./registers.ts";
import { exceptionClass, softwareStep, syndrome } from "./syndrome.ts";

/** How one vCPU changes its Exception level: to EL1 and back, and out to EL2, where the hypervisor is. */
export class ExceptionLevels {
  /** How many exceptions to EL1 there have been: what the event EXC_TAKEN counts. */
  taken = 0;
  /** How many exception returns there have been: what the event EXC_RETURN counts. */
  returns = 0;
  readonly #cluster: Arm64Cluster;
  readonly #cpu: Arm64Cpu;
  readonly #halfDone: HalfDoneInstruction;
  /** The exit that was made of a step exception last: most are alike. */
  #stepExit: Extract<CpuExit, { kind: "trap" }> | undefined;

  constructor(cluster: Arm64Cluster, cpu: Arm64Cpu, halfDone: HalfDoneInstruction) {
    this.#cluster = cluster;
    this.#cpu = cpu;
    this.#halfDone = halfDone;
  }

  /** Takes an exception to EL1. */
  take(report: ExceptionReport): void {
    this.taken++;
    takeException(this.#cluster.registers, this.#cpu.system, report);
  }

  /** As `take`, for an exception that is the hypervisor's doing; it takes its time. */
  inject(report: ExceptionReport): void {
    this.#cluster.activate(this.#cpu.index);
    this.#halfDone.drop();
    this.#cluster.clock.advance(1);
    this.take(report);
    this.#cpu.debug.notStepped();
  }

  /** Does what is to happen instead of an instruction. Returns the exit if that is the hypervisor's business. */
  handle(event: CpuEvent): CpuExit | undefined {
    const { registers } = this.#cluster;
    const { debug } = this.#cpu;
    switch (event.kind) {
      case "retry":
        return undefined;
      case "unimplemented":
        return { kind: "unimplemented", what: event.what };
      case "exceptionReturn":
        this.#return();
        return undefined;
      case "exception": {
        const returnAddress = event.preferredReturn === "next" ? registers.pc + 4n : registers.pc;
        // An exception takes time as an instruction does, so that a guest that does nothing else makes progress.
        if (event.preferredReturn === "next") {
          this.#cpu.retire(1, registers.el);
          debug.advanceStep();
        } else {
          this.#cluster.clock.advance(1);
          debug.notStepped();
        }
        this.#halfDone.drop();
        const far = event.far === undefined ? {} : { far: event.far };
        this.take({
          kind: vectorKind.synchronous,
          returnAddress,
          syndrome: syndrome(event.ec, event.iss),
          ...far,
        });
        return undefined;
      }
      case "trap":
        if (event.preferredReturn === "next") {
          registers.pc += 4n;
          this.#cpu.retire(1, registers.el);
          debug.advanceStep();
        }
        if (event.ec === exceptionClass.softwareStepLower)
          return this.#stepped(syndrome(event.ec, event.iss));
        return {
          kind: "trap",
          syndrome: syndrome(event.ec, event.iss),
          far: event.far ?? 0n,
          ipa: event.ipa ?? 0,
          mmio: this.#halfDone.pending,
          unseen: event.unseen ?? false,
        };
    }
  }

  #stepped(esr: number): CpuExit {
    if (this.#stepExit?.syndrome !== esr)
      this.#stepExit = { kind: "trap", syndrome: esr, far: 0n, ipa: 0, mmio: undefined, unseen: false };
    return this.#stepExit;
  }

  #return(): void {
    const { registers } = this.#cluster;
    const { system, debug } = this.#cpu;
    const spsr = Number(system.get("SPSR_EL1"));
    registers.setInt(arm64State.exclusiveBytes, 0);
    this.#cpu.eventPending = true;
    registers.pc = system.get("ELR_EL1");
    this.#cpu.retire(1, 1);
    const kept = (registers.el === 0 ? 0 : 4) | registers.spSel;
    const wasEnabled = debug.enabled();
    this.returns++;
    debug.setSteppedIss(debug.stepping ? softwareStep.isv : 0);
    registers.pstate = legalReturn(spsr) ? spsr : ((spsr & ~0x1f) | kept | pstate.il) >>> 0;
    // DebugExceptionReturnSS: SPSR.SS counts only when the step machine becomes active by this return (Arm ARM D2.12.4).
    if (wasEnabled || !debug.stepActive) registers.singleStep = false;
    debug.returned();
  }
}
