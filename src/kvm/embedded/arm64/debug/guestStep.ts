import type { Arm64Cpu } from "../../../../cpu/arm64/cpu.ts";
import { pstate } from "../../../../cpu/arm64/registers.ts";
import { softwareStep } from "../../../../cpu/arm64/syndrome.ts";
import { registerByName } from "../../../../cpu/arm64/systemRegisters/table.ts";

const savedState = registerByName("SPSR_EL1").address >>> 2;

/**
 * The guest's own software step machine while EL2 has the CPU's: after each instruction that the CPU steps, PSTATE.SS and
 * SPSR_EL1.SS become what they would be had the guest run alone. Arm ARM D2.12, and AArch64.TakeException, SSAdvance and
 * DebugExceptionReturnSS in J1.1.2.
 */
export class GuestStep {
  readonly #cpu: Arm64Cpu;
  /** MDSCR_EL1.SS as the guest has it, and neither lock on. */
  #wanted = false;
  /** The guest's PSTATE.SS. */
  #ss = false;
  /** Whether it was active before the instruction. */
  #enabled = false;
  #exceptions = 0;
  #returns = 0;
  /** The CPU's machine is active-not-pending: the next instruction is stepped. */
  #armed = false;
  /** What the guest's step exception would say of the last instruction. */
  #iss = 0;

  constructor(cpu: Arm64Cpu) {
    this.#cpu = cpu;
  }

  /** ISS of the guest's step exception, if it comes before the next instruction: ISV and EX. */
  get iss(): number {
    return this.#iss;
  }

  /**
   * Takes over the guest's PSTATE.SS.
   * @param wanted its MDSCR_EL1.SS is set and its locks are open.
   * @param armed what PSTATE.SS is to be for the CPU's own machine.
   */
  begin(wanted: boolean, armed: boolean): void {
    const cpu = this.#cpu;
    this.#wanted = wanted;
    this.#armed = armed;
    this.#ss = cpu.registers.singleStep;
    this.#enabled = wanted && cpu.debug.enabledByGuest();
    this.#exceptions = cpu.exceptions.taken;
    this.#returns = cpu.exceptions.returns;
    this.#iss = cpu.debug.steppedIss;
    cpu.registers.singleStep = armed;
  }

  /**
   * Gives it back after the CPU ran with its own step machine active: at most one instruction, or one exception's entry.
   * @returns whether either has happened.
   */
  end(): boolean {
    const cpu = this.#cpu;
    const { registers, debug } = cpu;
    const stepped = this.#enabled && this.#ss;
    const isDone = this.#armed && !registers.singleStep;
    if (cpu.exceptions.taken !== this.#exceptions) {
      const spsr = cpu.system.word(savedState);
      // The machine of the CPU was active-not-pending: what it saved tells whether the instruction counts as executed.
      const isExecuted = (spsr & pstate.ss) === 0;
      const saved = this.#ss && !(stepped && isExecuted);
      cpu.system.setWord(savedState, saved ? spsr | pstate.ss : spsr & ~pstate.ss);
      this.#iss = stepped && isExecuted ? softwareStep.isv : 0;
      this.#ss = false;
    } else if (cpu.exceptions.returns !== this.#returns) {
      this.#iss = stepped ? softwareStep.isv : 0;
      const becomesActive = this.#wanted && !this.#enabled && debug.enabledByGuest();
      this.#ss = becomesActive && (cpu.system.word(savedState) & pstate.ss) !== 0;
    } else if (isDone) {
      this.#iss = stepped ? debug.steppedIss : 0;
      if (stepped) this.#ss = false;
    }
    registers.singleStep = this.#ss;
    debug.setSteppedIss(this.#iss);
    return isDone;
  }
}
