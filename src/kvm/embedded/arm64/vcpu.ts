import type { Arm64Cpu } from "../../../cpu/arm64/cpu.ts";
import type { CpuExit } from "../../../cpu/arm64/events.ts";
import { vectorKind } from "../../../cpu/arm64/exceptions.ts";
import {
  dataAbort,
  type ExceptionClass,
  exceptionClass,
  faultStatus,
  syndrome,
  syndromeClass,
} from "../../../cpu/arm64/syndrome.ts";
import { rights } from "../../../cpu/arm64/translation/walk.ts";
import { KvmError } from "../../errors.ts";
import type { Arm64DebugExit, KvmExit } from "../../exits.ts";
import type { GuestDebug } from "../../guestDebug.ts";
import type { MpState, Translation, Vcpu } from "../../interface.ts";
import { arm64Reg } from "../../oneReg.ts";
import { exceptionClassText } from "./exceptionNames.ts";
import { Arm64GuestDebug, type HostMode } from "./guestDebug.ts";
import { getRegister, registerIds, setRegister } from "./oneReg.ts";
import type { EmbeddedArm64Vm } from "./vm.ts";

/** Rt of a trapped access, and the encoding of the register as `systemRegisterKey` packs it (Arm ARM D17.2.37). */
function decodeTrappedAccess(esr: number): { readonly key: number; readonly rt: number } {
  const [op0, op2, op1] = [(esr >> 20) & 3, (esr >> 17) & 7, (esr >> 14) & 7];
  const [crn, rt, crm] = [(esr >> 10) & 15, (esr >> 5) & 31, (esr >> 1) & 15];
  return { key: (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2, rt };
}

/** KVM_INTERNAL_ERROR_EMULATION. */
const emulationFailed = 1;

/** DBGBVRn, DBGBCRn, DBGWVRn and DBGWCRn: op0 = 2, op1 = 0, CRn = 0, op2 = 4–7 (Arm ARM D17.3). */
function isDebugRegister(key: number): boolean {
  return key >> 7 === 0x100 && (key & 7) >= 4;
}

function debugExit(hsr: number, far: bigint): Extract<KvmExit, { reason: "DEBUG" }> {
  return { reason: "DEBUG", arch: { hsr, hsrHigh: 0, far } };
}

/** A vCPU of the embedded substrate: the hypervisor's run loop around the CPU. */
export class EmbeddedArm64Vcpu implements Vcpu {
  readonly id: number;
  readonly cpu: Arm64Cpu;
  readonly debug: Arm64GuestDebug;
  readonly #vm: EmbeddedArm64Vm;
  /** Switched on by the machine's start or by PSCI. */
  powered: boolean;
  #halted: "interrupt" | undefined;
  #lastStep: { readonly reason: "DEBUG"; readonly arch: Arm64DebugExit } | undefined;
  #mmioFar = 0n;
  /** ISS of the abort if the access is refused. */
  #mmioIss = 0;

  constructor(vm: EmbeddedArm64Vm, cpu: Arm64Cpu, host: HostMode) {
    this.#vm = vm;
    this.cpu = cpu;
    this.id = cpu.index;
    this.debug = new Arm64GuestDebug(cpu, host);
    this.powered = cpu.index === 0;
  }

  /** Whether `run` would execute instructions now. */
  get runnable(): boolean {
    if (!this.powered) return false;
    if (this.#halted === undefined || this.debug.stepPending) return true;
    this.#vm.cluster.activate(this.id);
    this.cpu.timers.keep();
    return this.#halted !== "interrupt" || this.cpu.interrupts.asserted;
  }

  /** Nanosecond of virtual time at which a timer of this vCPU raises its interrupt, if one will. */
  timerDeadline(): number | undefined {
    this.#vm.cluster.activate(this.id);
    return this.cpu.timers.deadline();
  }

  /** The vCPU entered from power-off (PSCI CPU_ON). */
  powerOn(entry: bigint, context: bigint): void {
    this.reset();
    this.cpu.registers.pc = entry;
    this.cpu.registers.setX(0, context);
    this.powered = true;
    this.#halted = undefined;
  }

  /** Cold reset: registers only, whether it is powered stays. */
  reset(): void {
    this.#vm.cluster.reset(this.id);
    this.debug.reset();
  }

  /** The vCPU waits for an interrupt. */
  halt(): KvmExit {
    this.#halted = "interrupt";
    return { reason: "HALTED", until: "interrupt" };
  }

  powerOff(): void {
    this.powered = false;
    this.#halted = undefined;
  }

  run(limit: number): KvmExit {
    if (!this.powered) return { reason: "HALTED", until: "power-on" };
    if (this.#halted === "interrupt" && !this.debug.stepPending) {
      if (!this.runnable) return { reason: "HALTED", until: "interrupt" };
      this.#halted = undefined;
    }
    this.#vm.cluster.activate(this.id);
    this.debug.enter();
    try {
      // The first thing that can fail in a run, and only after MDCR_EL2 is what it has to be.
      this.#vm.prepareFirstRun();
      return this.#runLoaded(limit);
    } finally {
      this.debug.leave();
    }
  }

  #runLoaded(limit: number): KvmExit {
    const { cluster } = this.#vm;
    const end = cluster.clock.nanoseconds + limit;
    for (;;) {
      const left = end - cluster.clock.nanoseconds;
      if (left <= 0) return { reason: "INTR" };
      cluster.activate(this.id);
      const guestStep = this.debug.guestStepIss();
      if (guestStep !== undefined) {
        const toUser = this.#guestStep(faultStatus.debug | guestStep);
        if (toUser !== undefined) return toUser;
        continue;
      }
      this.debug.load();
      const exit = this.cpu.run(left);
      const step = exit.kind === "trap" && syndromeClass(exit.syndrome) === exceptionClass.softwareStepLower;
      this.debug.unload(step);
      const toUser = this.#handle(exit);
      if (toUser !== undefined) return toUser;
    }
  }

  /**
   * The guest's own step exception. While userspace steps too, it could not tell it from its own step, so the exception is
   * delivered here, and userspace's step ends at the guest's vector; otherwise it is userspace's to deliver, like all others.
   */
  #guestStep(iss: number): KvmExit | undefined {
    if (!this.debug.stepping) return debugExit(syndrome(exceptionClass.softwareStepLower, iss), 0n);
    const { softwareStepLower, softwareStepCurrent } = exceptionClass;
    this.#inject(this.cpu.registers.el === 0 ? softwareStepLower : softwareStepCurrent, iss);
    return undefined;
  }

  /** @throws KvmError EINVAL when no access waits for an answer. */
  completeMmio(data: bigint): void {
    this.#checkMmio();
    this.cpu.completeMmio(data);
  }

  getOneReg(id: bigint): bigint {
    // What a debugger asks for at every exit.
    return id === arm64Reg.pc ? this.cpu.registers.pc : getRegister(this.cpu, id);
  }

  setOneReg(id: bigint, value: bigint): void {
    if (id === arm64Reg.pc) this.cpu.debug.dropPass();
    setRegister(this.cpu, id, value);
  }

  regList(): readonly bigint[] {
    return registerIds();
  }

  setGuestDebug(debug: GuestDebug): void {
    this.debug.set(debug);
  }

  translate(address: bigint): Translation | undefined {
    const found = this.#vm.translate(this, address);
    if (found === undefined) return undefined;
    return {
      physicalAddress: found.address,
      writeable: (found.rights & rights.write1) !== 0,
      usermode: (found.rights & rights.read0) !== 0,
    };
  }

  get mpState(): MpState {
    if (!this.powered) return "STOPPED";
    return this.#halted === undefined ? "RUNNABLE" : "HALTED";
  }

  holdInterrupts(held: boolean): void {
    this.cpu.interrupts.held = held;
  }

  /** Does what EL2 does for an exit; returns what userspace must see, if anything. */
  #handle(exit: CpuExit): KvmExit | undefined {
    switch (exit.kind) {
      case "budget":
        return { reason: "INTR" };
      case "unimplemented":
        return this.#internalError(`the guest needs ${exit.what}, which this CPU does not implement`);
      case "trap":
        return this.#handleTrap(exit);
    }
  }

  #handleTrap(exit: Extract<CpuExit, { kind: "trap" }>): KvmExit | undefined {
    const ec = syndromeClass(exit.syndrome);
    switch (ec) {
      case exceptionClass.brk64:
      case exceptionClass.bkpt32:
        return debugExit(exit.syndrome, exit.far);
      case exceptionClass.softwareStepLower:
        // Else EL2 stepped for the sake of the guest's own step machine.
        return this.debug.stepping ? this.#stepExit(exit.syndrome) : undefined;
      case exceptionClass.breakpointLower:
        if (exit.unseen) return { ...debugExit(exit.syndrome, exit.far), unseen: true };
        return this.debug.isReported() ? debugExit(exit.syndrome, exit.far) : undefined;
      case exceptionClass.watchpointLower:
        return this.debug.isReported() ? debugExit(exit.syndrome, exit.far) : undefined;
      case exceptionClass.wfx:
        return this.#wait((exit.syndrome & 1) === 0 ? "interrupt" : "event");
      case exceptionClass.hvc64:
        return this.#vm.hypercall(this);
      case exceptionClass.smc64:
        // As KVM: an SMC is answered with "not supported" (SMCCC NOT_SUPPORTED) and skipped.
        this.#emulate(() => this.cpu.registers.setX(0, 0xffff_ffff_ffff_ffffn));
        return undefined;
      case exceptionClass.systemRegister:
        this.#emulateSystemRegister(exit.syndrome);
        return undefined;
      case exceptionClass.dataAbortLower:
        return this.#mmio(exit);
      case exceptionClass.instructionAbortLower:
        // Nothing to execute there: the bus answers with an external abort.
        this.#externalAbort(
          exceptionClass.instructionAbortLower,
          exceptionClass.instructionAbortCurrent,
          exit.far,
          faultStatus.synchronousExternal,
        );
        return undefined;
      default:
        return this.#internalError(
          `an exception of class ${exceptionClassText(ec)} came to EL2, which has no handler for it`,
        );
    }
  }

  /** A step's exit. Most are alike, and there are many. */
  #stepExit(hsr: number): KvmExit {
    if (this.#lastStep?.arch.hsr !== hsr)
      this.#lastStep = { reason: "DEBUG", arch: { hsr, hsrHigh: 0, far: 0n } };
    return this.#lastStep;
  }

  /** The instruction's effect, then on to the next. Before it, because it may change them, the guest's debug controls count. */
  #emulate(effect: () => void): void {
    const guestWasStepping = this.debug.guestStepActive && this.cpu.registers.singleStep;
    effect();
    this.cpu.skipInstruction();
    this.debug.instructionDone(guestWasStepping);
  }

  /** WFI and WFE. A step over one is complete at once; the vCPU waits after it. */
  #wait(until: "interrupt" | "event"): KvmExit | undefined {
    this.#emulate(() => {});
    if (until === "interrupt") this.#halted = "interrupt";
    return this.debug.stepping ? undefined : { reason: "HALTED", until };
  }

  #mmio(exit: Extract<CpuExit, { kind: "trap" }>): KvmExit | undefined {
    const { mmio } = exit;
    if (mmio === undefined) return this.#internalError("a stage 2 abort without an access");
    this.#mmioFar = exit.far;
    this.#mmioIss = faultStatus.synchronousExternal | (mmio.write ? dataAbort.wnr : 0);
    return {
      reason: "MMIO",
      address: BigInt(mmio.address),
      length: mmio.bytes as 1 | 2 | 4 | 8,
      isWrite: mmio.write,
      data: mmio.data,
    };
  }

  /** The machine has nothing at the address of the pending access: the guest gets a synchronous external abort. */
  failMmio(): void {
    this.#checkMmio();
    const { dataAbortLower, dataAbortCurrent } = exceptionClass;
    this.#externalAbort(dataAbortLower, dataAbortCurrent, this.#mmioFar, this.#mmioIss);
  }

  #checkMmio(): void {
    if (!this.cpu.awaitsMmio) throw new KvmError("EINVAL", `vCPU ${this.id} waits for no MMIO access`);
  }

  #externalAbort(lower: 0x20 | 0x24, current: 0x21 | 0x25, far: bigint, iss: number): void {
    this.#inject(this.cpu.registers.el === 0 ? lower : current, iss, far);
  }

  /** A synchronous exception to EL1 instead of the present instruction. */
  #inject(ec: ExceptionClass, iss: number, far?: bigint): void {
    this.cpu.exceptions.inject({
      kind: vectorKind.synchronous,
      returnAddress: this.cpu.registers.pc,
      syndrome: syndrome(ec, iss),
      ...(far === undefined ? {} : { far }),
    });
    this.debug.instructionDone(false);
  }

  /** A trapped MRS or MSR: done on the guest's own register, then skipped. */
  #emulateSystemRegister(esr: number): void {
    const { key, rt } = decodeTrappedAccess(esr);
    const { registers, system } = this.cpu;
    if (isDebugRegister(key)) this.debug.guestUsesRegisters();
    this.#emulate(() => {
      if ((esr & 1) !== 0) registers.setX(rt, system.getByKey(key) ?? 0n);
      else system.setByKey(key, registers.x(rt));
    });
  }

  #internalError(message: string): KvmExit {
    return { reason: "INTERNAL_ERROR", suberror: emulationFailed, message };
  }
}
