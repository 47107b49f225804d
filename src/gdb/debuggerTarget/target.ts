import type { SessionEvent, StopReason, VcpuAction } from "../../debugger/events.ts";
import type { DebugSession } from "../../debugger/session.ts";
import type { DebuggedVcpu } from "../../debugger/vcpu.ts";
import type { ArchitectureDescription } from "../architecture.ts";
import { type Outcome, type Refusal, refuse } from "../refusal.ts";
import type {
  KillCapability,
  MemoryRegion,
  MonitorCapability,
  PhysicalMemoryCapability,
  RestartCapability,
  ResumeAction,
  SectionOffsets,
  StepPolicyCapability,
  Target,
  TargetEvent,
  StopReason as TargetReason,
  TargetStatus,
  TargetThread,
  ThreadId,
  ThreadResume,
} from "../target.ts";
import { TargetBreakpoints } from "./breakpoints.ts";
import { statusOf, stopOf, threadOf, vcpuOf } from "./events.ts";
import { Monitor } from "./monitor/monitor.ts";
import { outcomeOf } from "./outcome.ts";
import { mappingAt } from "./regions.ts";
import { arm64TargetRegisters, loadLittle, storeLittle, type TargetRegisters } from "./registers.ts";

/**
 * Bits of `qqemu.sstep`, as QEMU has them. NOTIMER keeps QEMU's clock from running on between steps; ours never does, so it is
 * always on.
 */
const stepBits = { ENABLE: 1, NOIRQ: 2, NOTIMER: 4 } as const;

/** gdb's SIGTRAP. */
const trap = 5;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

const stand: VcpuAction = { kind: "stand" };

/** A debug session as a target of the gdb server. */
export class DebuggerTarget implements Target {
  readonly breakpoints: TargetBreakpoints;
  readonly monitor: MonitorCapability;
  readonly physicalMemory: PhysicalMemoryCapability;
  readonly stepPolicy: StepPolicyCapability;
  readonly kill: KillCapability = { kill: () => outcomeOf(() => this.#session.kill()) };
  readonly restart: RestartCapability;
  readonly #session: DebugSession;
  readonly #registers: TargetRegisters;
  readonly #listeners = new Set<(event: TargetEvent) => void>();

  /** @param registers the session's architecture as gdb knows it */
  constructor(session: DebugSession, registers: TargetRegisters = arm64TargetRegisters()) {
    this.#session = session;
    this.#registers = registers;
    this.breakpoints = new TargetBreakpoints(session, this.#registers, (text) =>
      this.#emit({ kind: "output", text }),
    );
    this.monitor = new Monitor(session, this.breakpoints, registers.commands);
    const { memory } = session;
    this.physicalMemory = {
      read: (address, into) => memory.readPhysical(address, into),
      write: (address, bytes) => memory.writePhysical(address, bytes),
    };
    this.stepPolicy = {
      bits: stepBits,
      get: () =>
        stepBits.ENABLE |
        stepBits.NOTIMER |
        (session.settings.holdInterruptsWhileStepping ? stepBits.NOIRQ : 0),
      set: (bits) => this.#setStepPolicy(bits),
    };
    this.restart = {
      restart: (argv) =>
        argv.length > 0
          ? refuse("unsupported", "the machine takes no arguments: it starts the image it was made with")
          : outcomeOf(() => session.reset()),
    };
    session.subscribe((event) => this.#tell(event));
  }

  /** The vCPUs' present one. */
  get architecture(): ArchitectureDescription {
    return this.#registers.description;
  }

  status(): TargetStatus {
    return statusOf(this.#session.status);
  }

  threads(): readonly TargetThread[] {
    return this.#session.vcpus.map((vcpu) => ({
      id: threadOf(vcpu.id),
      name: `cpu${vcpu.id}`,
      core: vcpu.id,
      detail: this.#detail(vcpu),
    }));
  }

  readRegister(thread: ThreadId, regnum: number, into: Uint8Array): Outcome | "unavailable" {
    const register = this.#registers.byNumber.get(regnum);
    if (register === undefined) return "unavailable";
    return outcomeOf(() => storeLittle(register.read(this.#vcpu(thread).kvm), into));
  }

  writeRegister(thread: ThreadId, regnum: number, bytes: Uint8Array): Outcome {
    const register = this.#registers.byNumber.get(regnum);
    if (register === undefined) return refuse("invalid", `there is no register ${regnum}`);
    const value = loadLittle(bytes);
    return outcomeOf(() => {
      const vcpu = this.#vcpu(thread);
      if (register.name === "pc") vcpu.pc = value;
      else register.write(vcpu.kvm, value);
    });
  }

  readMemory(thread: ThreadId, address: bigint, into: Uint8Array): number {
    return this.#session.memory.readVirtual(this.#vcpu(thread).kvm, address, into);
  }

  writeMemory(thread: ThreadId, address: bigint, bytes: Uint8Array): number {
    return this.#session.memory.writeVirtual(this.#vcpu(thread).kvm, address, bytes);
  }

  resume(plan: readonly ThreadResume[]): Outcome {
    const actions = new Map(plan.map(({ thread, action }) => [vcpuOf(thread), actionOf(action)]));
    return outcomeOf(() => this.#session.resume((vcpu) => actions.get(vcpu.id) ?? stand));
  }

  interrupt(): void {
    this.#session.stop();
  }

  detach(): Outcome {
    if (this.#session.status.kind !== "stopped") return "done";
    return outcomeOf(() => this.#session.resume(() => ({ kind: "continue" })));
  }

  subscribe(listener: (event: TargetEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** How far a kernel was moved: gdb asks when it connects, and moves the symbols it has loaded. */
  offsets(): SectionOffsets {
    const slide = this.#session.symbols.slide(this.#session.current) ?? 0n;
    return { text: slide, data: slide, bss: slide };
  }

  memoryRegion(thread: ThreadId, address: bigint): MemoryRegion | Refusal {
    return mappingAt(this.#session.memory, this.#vcpu(thread).kvm, address);
  }

  #tell(event: SessionEvent): void {
    switch (event.kind) {
      case "running":
        return;
      case "guest-reset":
        this.breakpoints.dropTwins();
        this.#emit({ kind: "output", text: "the guest has reset the machine\n" });
        return;
      case "notice":
        this.#emit({ kind: "output", text: `${event.text}\n` });
        return;
      case "placed":
        this.breakpoints.moveTwins();
        return;
      case "ended":
        this.#emit(stopOf(event));
        return;
      case "stopped": {
        if (event.reason.kind === "reset") this.breakpoints.dropTwins();
        this.breakpoints.moveTwins();
        const moved = this.#moved(event.reason);
        const words = moved ?? wordsFor(event.reason);
        if (words !== undefined) this.#emit({ kind: "output", text: `${words}\n` });
        const reason: TargetReason = { kind: "signal", signal: trap, description: moved ?? "" };
        this.#emit(
          moved === undefined
            ? stopOf(event)
            : { ...stopOf(event), kind: "stopped", thread: threadOf(event.vcpu), reason },
        );
      }
    }
  }

  /** A stop where the client has planted nothing, because it does not know that the kernel has moved: what to tell it. */
  #moved(reason: StopReason): string | undefined {
    if (reason.kind !== "breakpoint") return undefined;
    const linked = this.breakpoints.linkAddressOf(reason.breakpoints);
    if (linked === undefined) return undefined;
    const { symbols, current } = this.#session;
    const slide = hex(symbols.slide(current) ?? 0n);
    return (
      `breakpoint at ${hex(linked)} (${symbols.linked?.describe(linked) ?? "?"}): KASLR has moved the kernel by ${slide}. ` +
      `"symbol-file FILE -o ${slide}" moves gdb's symbols`
    );
  }

  #vcpu(thread: ThreadId): DebuggedVcpu {
    return this.#session.vcpu(vcpuOf(thread));
  }

  #detail(vcpu: DebuggedVcpu): string {
    switch (vcpu.state) {
      case "off":
        return "powered off";
      case "waiting":
        return "halted: waits for an interrupt";
      case "running":
        return "running";
    }
  }

  #setStepPolicy(bits: number): Outcome {
    const all = stepBits.ENABLE | stepBits.NOIRQ | stepBits.NOTIMER;
    if ((bits & ~all) !== 0) return refuse("invalid", "step bits are ENABLE=1, NOIRQ=2 and NOTIMER=4");
    this.#session.settings.holdInterruptsWhileStepping = (bits & stepBits.NOIRQ) !== 0;
    return "done";
  }

  #emit(event: TargetEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** What the client cannot tell from the stop itself. */
function wordsFor(reason: StopReason): string | undefined {
  switch (reason.kind) {
    case "failure":
      return reason.message;
    case "guest-event":
      return `the guest's own: ${reason.text}; it has not seen it yet, and takes the exception when it goes on`;
    default:
      return undefined;
  }
}

function actionOf(action: ResumeAction): VcpuAction {
  switch (action.kind) {
    case "stop":
      return stand;
    case "range-step":
      return action;
    default:
      // A guest has no signals: they are for processes.
      return { kind: action.kind };
  }
}
