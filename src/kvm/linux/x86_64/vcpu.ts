import { KvmError } from "../../errors.ts";
import type { X86DebugExit, X86Exit, X86InternalError } from "../../exits.ts";
import { guestDebugControl, type X86GuestDebug, x86GuestDebugControl } from "../../guestDebug.ts";
import type { MpState, Translation } from "../../interface.ts";
import type { GuestRam } from "../guestRam.ts";
import { internalErrors } from "../uapi/constants.ts";
import type {
  X86DebugRegs,
  X86Fpu,
  X86Regs,
  X86Sregs,
  X86VcpuEvents,
  X86Xcrs,
} from "../uapi/x86_64/records.ts";
import { type ArmedRegister, armedRegisters, withoutRegisters } from "./debug/dr7.ts";
import type { HostDebugFacts } from "./debug/facts.ts";
import { handlerOf } from "./debug/handlers.ts";
import { Watcher } from "./debug/watcher.ts";
import type { X86VcpuFile } from "./vcpuFile.ts";

const { ENABLE, SINGLESTEP, USE_SW_BP, USE_HW } = guestDebugControl;
const { INJECT_BP } = x86GuestDebugControl;

const trapFlag = 0x100;
const resumeFlag = 0x1_0000n;

/** DR6: BS, and the bits that are always one (Intel SDM volume 3, 18.2.3). */
const dr6Step = 0x4000n;
const dr6Fixed = 0xffff_0ff0n;
const dr6Hits = 0xfn;

const vectorDebug = 1;
const vectorBreakpoint = 3;

/** The one-byte instructions that a debugger and a guest break with. */
const int3 = 0xcc;
const int1 = 0xf1;

/** A debug exit that the kernel did not make. */
interface OwnDebugExit {
  readonly reason: "DEBUG";
  readonly arch: { -readonly [K in keyof X86DebugExit]: X86DebugExit[K] };
}

/**
 * A vCPU of the host's KVM whose debug exits are those of the Intel SDM: what this host's kernel is known to leave out
 * (`HostDebugFacts`) is made up for here. Everything else is the kernel's.
 */
export class LinuxX86Vcpu {
  readonly id: number;
  /** The same vCPU as the kernel has it, with all its ioctls. */
  readonly file: X86VcpuFile;
  readonly #facts: HostDebugFacts;
  readonly #ram: GuestRam;
  readonly #watcher: Watcher;
  readonly #ownExit: OwnDebugExit = {
    reason: "DEBUG",
    arch: { exception: vectorDebug, pc: 0n, dr6: 0n, dr7: 0n },
  };
  #debug: X86GuestDebug = { control: 0 };
  #execution: readonly ArmedRegister[] = [];
  /** The kernel is to complete an instruction for which the last exit was. */
  #unfinished = false;
  /** RF may be set: somebody has written the registers, or the vCPU is at a breakpoint. */
  #mayPass = false;

  constructor(file: X86VcpuFile, ram: GuestRam, facts: HostDebugFacts) {
    this.id = file.id;
    this.file = file;
    this.#ram = ram;
    this.#facts = facts;
    this.#watcher = new Watcher(ram);
  }

  /**
   * `KVM_RUN`, until the guest needs somebody or something interrupts it. The exit is to be read before the next run.
   * @throws KvmError what the kernel answers; EOPNOTSUPP for a step in user mode where the host's KVM cannot
   */
  run(): X86Exit {
    if (this.#watcher.active) this.#watcher.place(this.file);
    if (this.#stepping && !this.#facts.step.user) this.#refuseUserMode();
    let exit = this.#unfinished ? this.#finish() : undefined;
    exit ??= this.#mayPass ? this.#pass() : undefined;
    while (exit === undefined) exit = this.#judge(this.file.run());
    return exit;
  }

  /** `KVM_SET_GUEST_DEBUG`. @throws KvmError EINVAL on control bits this KVM does not know; nothing changes then. */
  setGuestDebug(debug: X86GuestDebug): void {
    const { control } = debug;
    const armed = this.#armed(debug);
    const ownData = armed.filter((each) => this.#isOurs(each));
    const ownInjection = (control & INJECT_BP) !== 0 && !this.#facts.injectsAfterInt3;
    this.file.setGuestDebug({
      control: ownInjection ? control & ~INJECT_BP : control,
      debugRegisters: kernelRegisters(debug, ownData),
    });
    this.#debug = { ...debug, control: control & ~(INJECT_BP | x86GuestDebugControl.INJECT_DB) };
    this.#execution = armed.filter(({ kind }) => kind === "execute");
    this.#watcher.arm(ownData);
    if (ownInjection) this.#inject(vectorBreakpoint, 1n);
  }

  /** The data of an MMIO read exit, before the vCPU runs again. */
  completeMmio(data: bigint): void {
    this.file.completeMmio(data);
  }

  getRegs(): X86Regs {
    return this.file.getRegs();
  }

  /** @throws KvmError EINVAL */
  setRegs(regs: X86Regs): void {
    this.file.setRegs(regs);
    this.#mayPass = true;
  }

  getSregs(): X86Sregs {
    return this.file.getSregs();
  }

  /** @throws KvmError EINVAL for control registers that contradict each other. */
  setSregs(sregs: X86Sregs): void {
    this.file.setSregs(sregs);
  }

  getFpu(): X86Fpu {
    return this.file.getFpu();
  }

  setFpu(fpu: X86Fpu): void {
    this.file.setFpu(fpu);
  }

  getXsave(): Uint8Array {
    return this.file.getXsave();
  }

  setXsave(image: Uint8Array): void {
    this.file.setXsave(image);
  }

  getXcrs(): X86Xcrs {
    return this.file.getXcrs();
  }

  setXcrs(xcrs: X86Xcrs): void {
    this.file.setXcrs(xcrs);
  }

  getDebugRegs(): X86DebugRegs {
    return this.file.getDebugRegs();
  }

  setDebugRegs(registers: X86DebugRegs): void {
    this.file.setDebugRegs(registers);
  }

  getVcpuEvents(): X86VcpuEvents {
    return this.file.getVcpuEvents();
  }

  setVcpuEvents(events: X86VcpuEvents): void {
    this.file.setVcpuEvents(events);
  }

  /** @throws KvmError EINVAL when this vCPU has none of that index. */
  getMsr(index: number): bigint {
    return this.file.getMsr(index);
  }

  /** @throws KvmError EINVAL */
  setMsr(index: number, value: bigint): void {
    this.file.setMsr(index, value);
  }

  /** What is behind a linear address, undefined when not mapped. */
  translate(address: bigint): Translation | undefined {
    return this.file.translate(address);
  }

  get mpState(): MpState {
    return this.file.mpState;
  }

  setMpState(state: MpState): void {
    this.file.setMpState(state);
  }

  /** Ends the present run, or the next one, with an INTR exit; from any thread. */
  interrupt(): void {
    this.file.interrupt();
  }

  close(): void {
    this.file.close();
  }

  get #stepping(): boolean {
    return (this.#debug.control & SINGLESTEP) !== 0;
  }

  #armed({ control, debugRegisters }: X86GuestDebug): readonly ArmedRegister[] {
    if ((control & USE_HW) === 0 || debugRegisters === undefined) return [];
    return armedRegisters(debugRegisters.addresses, debugRegisters.dr7);
  }

  /** Whether this register is a watchpoint that the kernel would never report. */
  #isOurs({ kind }: ArmedRegister): boolean {
    return (kind === "write" || kind === "access") && !this.#facts.watchpoint.kernel;
  }

  #refuseUserMode(): void {
    const { ss } = this.file.getSregs();
    if (ss.dpl !== 3) return;
    throw new KvmError("EOPNOTSUPP", "this host's KVM cannot single-step a guest's user mode");
  }

  /** What an exit of the kernel means; undefined when the guest goes on. */
  #judge(exit: X86Exit): X86Exit | undefined {
    switch (exit.reason) {
      case "IO":
        this.#unfinished = true;
        return exit;
      case "MMIO":
        this.#unfinished = true;
        return this.#watcher.active && this.#watcher.access(exit, this.file) ? this.#finish() : exit;
      case "DEBUG":
        return this.#debugExit(exit);
      case "INTERNAL_ERROR":
        return exit.suberror === internalErrors.KVM_INTERNAL_ERROR_EMULATION ? this.#emulate(exit) : exit;
      default:
        return exit;
    }
  }

  #debugExit(exit: Extract<X86Exit, { reason: "DEBUG" }>): X86Exit | undefined {
    const { arch } = exit;
    if (arch.exception !== vectorDebug) return exit;
    if (this.#execution.length > 0) {
      if ((arch.dr6 & dr6Hits) !== 0n) this.#mayPass = true;
      return this.#withHits(exit);
    }
    // MOV SS and POP SS hold debug traps back until the next instruction is executed. SDM volume 3, 6.8.3.
    if (this.file.movSsShadowAtExit) return undefined;
    return this.#withHits(exit);
  }

  /** Adds the watchpoints that the instruction has hit. */
  #withHits(exit: Extract<X86Exit, { reason: "DEBUG" }>): X86Exit {
    const { hits } = this.#watcher;
    if (hits === 0) return exit;
    return this.#report(vectorDebug, exit.arch.dr6 | BigInt(this.#takeHits()));
  }

  #takeHits(): number {
    const { hits } = this.#watcher;
    this.#watcher.hits = 0;
    return hits;
  }

  /**
   * Completes the instruction that the last exit was in the middle of. KVM checks no step after port output and MMIO writes,
   * which need nothing more in the kernel; so that is done here, once the last piece is complete.
   * @returns what is to be reported; undefined when the guest goes on.
   */
  #finish(): X86Exit | undefined {
    const guestSteps = (this.file.rflagsAtExit & trapFlag) !== 0;
    if (!this.#stepping && !guestSteps && !this.#watcher.active) {
      this.#unfinished = false;
      return undefined;
    }
    const exit = this.file.complete();
    this.#unfinished = false;
    if (exit !== undefined) return this.#judge(exit);
    // A fault on the way: the instruction is not executed, and the exception is what comes next.
    if (this.file.exceptionAtExit) {
      this.#takeHits();
      return undefined;
    }
    const hits = BigInt(this.#takeHits());
    if (this.#stepping || hits !== 0n)
      return this.#report(vectorDebug, dr6Fixed | hits | (this.#stepping ? dr6Step : 0n));
    if (guestSteps) this.#trapGuest();
    return undefined;
  }

  /** The guest's own single step: #DB with BS, the lower bits of its DR6 cleared. */
  #trapGuest(): void {
    const registers = this.file.getDebugRegs();
    this.file.setDebugRegs({ ...registers, dr6: (registers.dr6 & ~dr6Hits) | dr6Step });
    this.#inject(vectorDebug, 0n);
  }

  /** Goes on from an execution breakpoint with RF where the kernel does not look at RF: without the breakpoint, for one step. */
  #pass(): X86Exit | undefined {
    this.#mayPass = false;
    if (this.#facts.resumeFlag || this.#execution.length === 0) return undefined;
    const { rflags, rip } = this.file.getRegs();
    if ((rflags & resumeFlag) === 0n) return undefined;
    const { cs } = this.file.getSregs();
    const pc = cs.l === 1 ? rip : rip + cs.base;
    const here = this.#execution.filter(({ address }) => address === pc);
    if (here.length === 0) return undefined;
    const ours = this.#armed(this.#debug).filter((each) => this.#isOurs(each));
    const { control } = this.#debug;
    this.file.setGuestDebug({
      control: control | ENABLE | SINGLESTEP,
      debugRegisters: kernelRegisters(this.#debug, [...ours, ...here]),
    });
    const exit = this.file.run();
    this.file.setGuestDebug({ control, debugRegisters: kernelRegisters(this.#debug, ours) });
    const judged = this.#judge(exit);
    const wasOnlyOurStep = exit.reason === "DEBUG" && !this.#stepping && (exit.arch.dr6 & dr6Hits) === 0n;
    return wasOnlyOurStep && judged === exit ? undefined : judged;
  }

  /** Does what the kernel cannot: INT3 and INT1. */
  #emulate(exit: X86InternalError): X86Exit | undefined {
    switch (exit.instruction?.[0]) {
      case int3:
        if ((this.#debug.control & USE_SW_BP) !== 0) return this.#report(vectorBreakpoint, dr6Fixed);
        return this.#deliver(vectorBreakpoint);
      case int1:
        return this.#deliver(vectorDebug);
      default:
        return exit;
    }
  }

  /** Gives the guest the exception of the one-byte instruction at RIP. */
  #deliver(vector: number): X86Exit | undefined {
    const handler = this.#stepping
      ? handlerOf(this.file, vector, (at, n) => this.#ram.read(at, n))
      : undefined;
    this.#inject(vector, 1n);
    if (handler === undefined || !this.#facts.execution.kernel) return undefined;
    // The step ends before the handler's first instruction, where a breakpoint is put for the moment.
    const { control, debugRegisters } = this.#debug;
    this.file.setGuestDebug({
      control: ENABLE | USE_HW | (control & x86GuestDebugControl.BLOCKIRQ),
      debugRegisters: { addresses: [handler], dr7: 0x402n },
    });
    const exit = this.file.run();
    this.file.setGuestDebug({ control, debugRegisters });
    return exit.reason === "DEBUG" ? this.#report(vectorDebug, dr6Fixed | dr6Step) : this.#judge(exit);
  }

  /** Puts an exception into the guest, as of the instruction that begins `skipped` bytes further on. */
  #inject(vector: number, skipped: bigint): void {
    if (skipped !== 0n) {
      const regs = this.file.getRegs();
      this.file.setRegs({ ...regs, rip: regs.rip + skipped, rflags: regs.rflags & ~resumeFlag });
    }
    const events = this.file.getVcpuEvents();
    this.file.setVcpuEvents({
      ...events,
      flags: 0,
      exception: {
        ...events.exception,
        injected: 1,
        nr: vector,
        has_error_code: 0,
        pending: 0,
        error_code: 0,
      },
    });
  }

  #report(exception: number, dr6: bigint): X86Exit {
    const { arch } = this.#ownExit;
    arch.exception = exception;
    arch.pc = this.file.pcAtExit;
    arch.dr6 = dr6;
    arch.dr7 = this.#debug.debugRegisters?.dr7 ?? 0x400n;
    return this.#ownExit;
  }
}

function kernelRegisters(
  { debugRegisters }: X86GuestDebug,
  without: readonly ArmedRegister[],
): X86GuestDebug["debugRegisters"] {
  return debugRegisters && { ...debugRegisters, dr7: withoutRegisters(debugRegisters.dr7, without) };
}
