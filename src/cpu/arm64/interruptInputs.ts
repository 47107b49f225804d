import { arm64State } from "../../isa/arm64/state.ts";
import type { Arm64Cluster, CpuInterrupts } from "./cluster.ts";
import type { Arm64Cpu } from "./cpu.ts";
import { pstate } from "./registers.ts";

/** One vCPU's IRQ and FIQ inputs, as the interrupt controller drives them and PSTATE masks them. */
export class InterruptInputs {
  /** Interrupts stay pending, although they wake the CPU from waiting: for a debugger that steps. */
  held = false;
  readonly #cluster: Arm64Cluster;
  readonly #cpu: Arm64Cpu;

  constructor(cluster: Arm64Cluster, cpu: Arm64Cpu) {
    this.#cluster = cluster;
    this.#cpu = cpu;
  }

  /** Whether an input is asserted, masked or not. */
  get asserted(): boolean {
    const lines = this.#cluster.interrupts?.pending(this.#cpu.index);
    return lines !== undefined && (lines.irq || lines.fiq);
  }

  /** Whether an interrupt would be taken before the next instruction; the CPU is the active one. */
  get pending(): boolean {
    const lines = this.#cluster.interrupts?.pending(this.#cpu.index);
    return lines !== undefined && this.#unmasked(lines) !== undefined;
  }

  /** As `pending`, and which it is; generated code is told whether an input is asserted. */
  look(): "irq" | "fiq" | undefined {
    const lines = this.#cluster.interrupts?.pending(this.#cpu.index);
    const asserted = lines !== undefined && (lines.irq || lines.fiq);
    this.#cluster.registers.setInt(arm64State.interruptsQuiet, Number(!asserted));
    return asserted ? this.#unmasked(lines) : undefined;
  }

  #unmasked(lines: ReturnType<CpuInterrupts["pending"]>): "irq" | "fiq" | undefined {
    if (this.held) return undefined;
    const { daif } = this.#cluster.registers;
    if (lines.irq && (daif & pstate.i) === 0) return "irq";
    return lines.fiq && (daif & pstate.f) === 0 ? "fiq" : undefined;
  }
}
