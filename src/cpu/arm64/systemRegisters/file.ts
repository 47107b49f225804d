import type { Arm64Cluster } from "../cluster.ts";
import { hcr, mdcr } from "../controls.ts";
import type { Arm64Cpu } from "../cpu.ts";
import type { ExceptionRegisters } from "../exceptions.ts";
import { type Behaviour, type BehaviourContext, behaviours } from "./behaviours.ts";
import { sctlr } from "./control.ts";
import type { SystemRegisterRow } from "./row.ts";
import { registerByKey, registerByName, systemRegisters } from "./table.ts";

/** Where words that are looked at before every run are in the state window. */
const accessControl = registerByName("CPACR_EL1").address >>> 2;
const systemControl = registerByName("SCTLR_EL1").address >>> 2;
const counterControl = registerByName("CNTKCTL_EL1").address >>> 2;
const cacheControls = { UCT: Number(sctlr.UCT), UCI: Number(sctlr.UCI), DZE: Number(sctlr.DZE) } as const;
const stackChecks = { el0: Number(sctlr.SA0), el1: Number(sctlr.SA) } as const;

/** What an MRS or MSR may do. */
export type Permission = "allowed" | "undefined" | "trapToEl1" | "trapToEl2";

/** The system registers of one vCPU: storage in the state window, and what reading and writing them does. */
export class SystemRegisterFile implements ExceptionRegisters {
  readonly #cluster: Arm64Cluster;
  readonly #cpu: Arm64Cpu;
  readonly #context: BehaviourContext;

  constructor(cluster: Arm64Cluster, cpu: Arm64Cpu) {
    this.#cluster = cluster;
    this.#cpu = cpu;
    this.#context = { cluster, cpu, file: this };
  }

  /** Puts every register to its reset value. */
  reset(): void {
    for (const row of systemRegisters) this.setRaw(row.name, row.reset);
    this.setRaw("MPIDR_EL1", 0x8000_0000n | BigInt(this.#cpu.index));
    if (this.#cluster.systemRegisterInterrupts !== undefined) {
      this.setRaw("ID_AA64PFR0_EL1", registerByName("ID_AA64PFR0_EL1").row.reset | (1n << 24n));
    }
  }

  /** The stored value, whatever reading the register would do. */
  raw(name: string): bigint {
    return this.#cluster.engine.memory.view.getBigUint64(registerByName(name).address, true);
  }

  setRaw(name: string, value: bigint): void {
    this.#cluster.engine.memory.view.setBigUint64(
      registerByName(name).address,
      BigInt.asUintN(64, value),
      true,
    );
  }

  /** Bits 31:0 of a register, by its address ÷ 4 in the state window: for what is needed at every exit. */
  word(index: number): number {
    return this.#cluster.engine.memory.words[index] ?? 0;
  }

  setWord(index: number, value: number): void {
    this.#cluster.engine.memory.words[index] = value;
  }

  /** The register's value as EL1 would read it. */
  get(name: string): bigint {
    const behaviour = behaviours[name];
    return behaviour?.read === undefined ? this.raw(name) : behaviour.read(this.#context);
  }

  /** Writes a register as EL1 would: only its writable bits, with all consequences. */
  set(name: string, value: bigint): void {
    const { row } = registerByName(name);
    this.#store(row, value, behaviours[name]);
  }

  /** The value by encoding; undefined when the CPU has no such register. */
  getByKey(key: number): bigint | undefined {
    const entry = registerByKey(key);
    if (entry !== undefined) return this.get(entry.row.name);
    return this.#cluster.systemRegisterInterrupts?.readSystemRegister(this.#cpu.index, key);
  }

  /** Writes by encoding; false when the CPU has no such register. */
  setByKey(key: number, value: bigint): boolean {
    const entry = registerByKey(key);
    if (entry !== undefined) {
      this.set(entry.row.name, value);
      return true;
    }
    return this.#cluster.systemRegisterInterrupts?.writeSystemRegister(this.#cpu.index, key, value) ?? false;
  }

  /** Whether the present Exception level may make this access, and who is asked if not. */
  permission(key: number, write: boolean): Permission {
    const row = registerByKey(key)?.row;
    const { el } = this.#cpu.registers;
    if (row === undefined) {
      // ICC_* registers have op0 = 3 and CRn = 4 or 12; the controller says whether it has the register.
      return el === 1 && this.#cluster.systemRegisterInterrupts !== undefined ? "allowed" : "undefined";
    }
    if (write ? row.access === "ro" : row.access === "wo") return "undefined";
    if (el === 0) {
      const user = this.#el0Permission(row, write);
      if (user !== "allowed") return user;
    }
    if (row.name === "SP_EL0" && this.#cpu.registers.spSel === 0) return "undefined";
    return this.#trapsToHypervisor(row, write) ? "trapToEl2" : "allowed";
  }

  #el0Permission(row: SystemRegisterRow, write: boolean): Permission {
    const gate = (open: boolean): Permission => (open ? "allowed" : "trapToEl1");
    const kernelControl = this.raw("CNTKCTL_EL1");
    const pmuser = this.raw("PMUSERENR_EL0");
    switch (row.el0) {
      case "none":
        return "undefined";
      case "all":
        return "allowed";
      case "read":
        return write ? "undefined" : "allowed";
      case "UMA":
        return gate((this.raw("SCTLR_EL1") & sctlr.UMA) !== 0n);
      case "UCT":
        return gate((this.raw("SCTLR_EL1") & sctlr.UCT) !== 0n);
      case "DZE":
        return gate((this.raw("SCTLR_EL1") & sctlr.DZE) !== 0n);
      case "EL0PCTEN":
        return gate((kernelControl & 1n) !== 0n);
      case "EL0VCTEN":
        return gate((kernelControl & 2n) !== 0n);
      case "anyCounter":
        return gate((kernelControl & 3n) !== 0n);
      case "EL0VTEN":
        return gate((kernelControl & 0x100n) !== 0n);
      case "EL0PTEN":
        return gate((kernelControl & 0x200n) !== 0n);
      case "PMUSERENR":
        return gate((pmuser & 1n) !== 0n || performanceAllowed(row.name, write, pmuser));
      case "TDCC":
        return gate((this.raw("MDSCR_EL1") & 0x1000n) === 0n);
    }
  }

  #trapsToHypervisor(row: SystemRegisterRow, write: boolean): boolean {
    const { controls } = this.#cpu;
    const debugRouted = (controls.mdcr & mdcr.TDE) !== 0;
    switch (row.group) {
      case undefined:
        return false;
      case "debug":
        return (controls.mdcr & mdcr.TDA) !== 0 || debugRouted;
      case "debugRom":
        return (controls.mdcr & mdcr.TDRA) !== 0 || debugRouted;
      case "osLock":
        return (controls.mdcr & mdcr.TDOSA) !== 0 || debugRouted;
      case "pmu":
        return (controls.mdcr & mdcr.TPM) !== 0;
      case "pmcr":
        return (controls.mdcr & (mdcr.TPM | mdcr.TPMCR)) !== 0;
      case "translation":
        return (controls.hcr & (write ? hcr.TVM : hcr.TRVM)) !== 0n;
      case "actlr":
        return (controls.hcr & hcr.TACR) !== 0n;
      case "id1":
        return (controls.hcr & hcr.TID1) !== 0n;
      case "id2":
        return (controls.hcr & hcr.TID2) !== 0n;
      case "id3":
        return (controls.hcr & hcr.TID3) !== 0n;
    }
  }

  get vbar(): bigint {
    return this.raw("VBAR_EL1");
  }

  setElr(value: bigint): void {
    this.setRaw("ELR_EL1", value);
  }

  setSpsr(value: number): void {
    this.setRaw("SPSR_EL1", BigInt(value >>> 0));
  }

  setEsr(value: number): void {
    this.setRaw("ESR_EL1", BigInt(value >>> 0));
  }

  setFar(value: bigint): void {
    this.setRaw("FAR_EL1", value);
  }

  /** CPACR_EL1.FPEN (Arm ARM D17.2.30). */
  floatingPointTrapped(el: 0 | 1): boolean {
    const enabled = (this.word(accessControl) >>> 20) & 3;
    return el === 0 ? enabled !== 3 : (enabled & 1) === 0;
  }

  /** Which counts may be read: bit 0 the physical, bit 1 the virtual one (CNTKCTL_EL1.{EL0PCTEN, EL0VCTEN}). */
  counterAccess(el: 0 | 1): number {
    return el === 1 ? 3 : this.word(counterControl) & 3;
  }

  /** `arm64State.cacheAccess`: SCTLR_EL1.{UCT, UCI, DZE} and HCR_EL2.TID2. */
  cacheAccess(el: 0 | 1): number {
    const control = this.word(systemControl);
    const allowed = (bit: number): boolean => el === 1 || (control & bit) !== 0;
    const type = allowed(cacheControls.UCT) && (this.#cpu.controls.hcr & hcr.TID2) === 0n;
    return (
      Number(type) | (Number(allowed(cacheControls.UCI)) << 1) | (Number(allowed(cacheControls.DZE)) << 2)
    );
  }

  /** SCTLR_EL1.SA and SA0. */
  stackAlignmentChecked(el: 0 | 1): boolean {
    return (this.word(systemControl) & (el === 0 ? stackChecks.el0 : stackChecks.el1)) !== 0;
  }

  #store(row: SystemRegisterRow, value: bigint, behaviour: Behaviour | undefined): void {
    const old = this.raw(row.name);
    // Write-only registers and those that set or clear bits see what was written, not what is stored.
    const kept =
      row.access === "wo" || row.name.endsWith("CLR_EL1") || row.name.endsWith("CLR_EL0")
        ? 0n
        : old & ~row.writable;
    const next = kept | (BigInt.asUintN(64, value) & row.writable);
    if (behaviour?.write !== undefined) {
      behaviour.write(this.#context, next);
      return;
    }
    this.setRaw(row.name, next);
    behaviour?.changed?.(this.#context, old, next);
  }
}

/** PMUSERENR_EL0.{SW, CR, ER}: what EL0 may do when EN is clear (Arm ARM D17.5.17). */
function performanceAllowed(name: string, write: boolean, pmuser: bigint): boolean {
  if (name === "PMSWINC_EL0") return write && (pmuser & 2n) !== 0n;
  if (name === "PMCCNTR_EL0") return !write && (pmuser & 4n) !== 0n;
  if (name === "PMSELR_EL0") return (pmuser & 8n) !== 0n;
  return !write && (pmuser & 8n) !== 0n && (name.startsWith("PMEVCNTR") || name === "PMXEVCNTR_EL0");
}
