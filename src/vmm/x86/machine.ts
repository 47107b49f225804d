import type { X86Exit, X86IoExit } from "../../kvm/exits.ts";
import type { X86Vcpu, X86Vm } from "../../kvm/x86Vcpu.ts";
import { acpiTables } from "../../machine/acpi/tables.ts";
import type { PcRequest, X86Pc } from "../../machine/board/x86Pc.ts";
import { x86Pc } from "../../machine/board/x86Pc.ts";
import { PC_MAP } from "../../machine/board/x86PcMap.ts";
import { applyBootPlan } from "../../machine/boot/bootPlan.ts";
import type { X86BootPlan } from "../../machine/boot/x86/protocol.ts";
import type { GuestMemory } from "../../machine/guestMemory.ts";
import { mpTable } from "../../machine/mpTable.ts";
import type { AdvanceOptions } from "../guest.ts";
import { Timeline } from "../timeline.ts";
import { enterX86 } from "./enter.ts";
import { failureOf, type X86Stop } from "./stop.ts";
import { VcpuLoop } from "./vcpuLoop.ts";

/** What an x86 machine is made of. */
export interface X86MachineOptions {
  /** Without memory; with the interrupt controllers and the timer of a PC. The machine's owner closes it. */
  readonly vm: X86Vm;
  readonly memoryBytes: number;
  /** Milliseconds of a clock that never goes back: the guest's time is the host's. */
  readonly clock: () => number;
  /** Gets what the guest sends to its serial console, a byte at a time. */
  readonly transmit: (byte: number) => void;
  /** Called when the console takes input again after it had refused some. */
  readonly onReceiveRoom?: (() => void) | undefined;
  /** What the real-time clock shows at time 0, in seconds since 1970. */
  readonly epochSeconds?: bigint | undefined;
  /** What runs it and how, in lines for the user. */
  readonly description: readonly string[];
}

/** An observer of every exit, in order. The exit is to be read at once. */
export type X86ExitObserver = (vcpu: number, exit: X86Exit) => void;

/**
 * A PC on a VM with x86 vCPUs. Each runs in a thread of its own where it can (`VcpuLoop`); everything else is the calling thread's.
 * When `advance` returns anything but `away`, and nothing else than `limit`, no vCPU is in the guest.
 */
export class X86Machine {
  readonly vm: X86Vm;
  readonly board: X86Pc;
  readonly timeline: Timeline;
  readonly memory: GuestMemory;
  onExit: X86ExitObserver | undefined;
  /** The vCPU shows its present exit: see `X86Exit`. */
  readonly reusesExits = true;
  #observers: readonly X86ExitObserver[] = [];
  /** How often `KVM_RUN` has returned, by reason. */
  readonly exitCounts: Partial<Record<X86Exit["reason"], number>> = {};
  /** What the guest gave to the debug-exit port, if that is how it ended. */
  exitStatus: number | undefined;
  readonly #clock: () => number;
  readonly #begin: number;
  readonly #description: readonly string[];
  readonly #putBack: () => void;
  #plan: X86BootPlan | undefined;
  #request: PcRequest | undefined;
  readonly #loop: VcpuLoop;
  #onNotice: ((text: string) => void) | undefined;

  /** @throws BoardError, KvmError for what cannot be built. */
  constructor(options: X86MachineOptions) {
    const { vm, memoryBytes } = options;
    this.vm = vm;
    this.#clock = options.clock;
    this.#begin = options.clock();
    this.#description = options.description;
    this.timeline = new Timeline(() => this.now);
    this.board = x86Pc({
      memoryBytes,
      cpus: vm.vcpus.length,
      scheduler: this.timeline,
      setIrq: (irq, level) => vm.setIrqLine(irq, level),
      transmit: options.transmit,
      onReceiveRoom: options.onReceiveRoom,
      epochSeconds: options.epochSeconds,
      request: (request) => {
        this.#request ??= request;
      },
    });
    const { ram } = this.board;
    vm.setMemoryRegion({ slot: 0, guestPhysicalAddress: ram.base, size: ram.size });
    this.memory = {
      read: (address, length) => vm.readMemory(address, length),
      write: (address, bytes) => vm.writeMemory(address, bytes),
    };
    this.#putBack = vm.takeDown();
    this.#loop = new VcpuLoop({
      vm,
      timeline: this.timeline,
      now: () => this.now,
      handle: (vcpu, exit) => this.#handle(vcpu, exit),
      requested: () => this.#requested(),
    });
  }

  /** ACPI's tables of this machine, for its boot plan. */
  get acpi(): Uint8Array {
    return acpiTables(Number(PC_MAP.acpi), this.board.cpus);
  }

  /** The same for guests that look for Intel's MultiProcessor table. */
  get mpTable(): Uint8Array {
    return mpTable(Number(PC_MAP.mpTable), this.board.cpus);
  }

  /** Nanoseconds since the machine was made. */
  get now(): number {
    return Math.floor((this.#clock() - this.#begin) * 1e6);
  }

  describe(): readonly string[] {
    return this.#description;
  }

  /** Loads a guest and sets the first vCPU to its entry. */
  boot(plan: X86BootPlan): void {
    if (plan.rom !== undefined && this.#plan === undefined) {
      const { base, size } = plan.rom;
      this.vm.setMemoryRegion({ slot: 1, guestPhysicalAddress: base, size, readOnly: true });
    }
    this.#plan = plan;
    applyBootPlan(plan, this.memory);
    enterX86(this.#vcpu(0), plan.entry);
    this.#loop.restart();
  }

  /** Power-on reset of devices and vCPUs, and the boot plan's images again. */
  reset(): void {
    if (this.#plan === undefined) return;
    this.halt();
    this.board.reset();
    this.#putBack();
    this.#request = undefined;
    this.exitStatus = undefined;
    this.boot(this.#plan);
  }

  /** The host's time goes by itself. */
  skipTo(_nanosecond: number): void {}

  /** Runs until something is the caller's business, at most `limit` nanoseconds. */
  advance(limit: number, { standing }: AdvanceOptions = {}): X86Stop {
    return this.#loop.advance(limit, standing);
  }

  /** Takes every vCPU out of the guest: after `away` or `limit`, before anything is asked of them. */
  halt(): void {
    this.#loop.halt();
  }

  /** Called from the event loop when there is something to look at after `away`. */
  get onNews(): (() => void) | undefined {
    return this.#loop.onNews;
  }

  set onNews(callback: (() => void) | undefined) {
    this.#loop.onNews = callback;
  }

  /** Gets what the user has to know: what could not be done for them. */
  get onNotice(): ((text: string) => void) | undefined {
    return this.#onNotice;
  }

  set onNotice(callback: ((text: string) => void) | undefined) {
    this.#onNotice = callback;
    this.vm.onNotice = callback && ((vcpu, text) => callback(`vCPU ${vcpu} ${text}`));
  }

  /** Calls `observer` with every exit, in order, until the returned function is called. */
  observeExits(observer: X86ExitObserver): () => void {
    this.#observers = [...this.#observers, observer];
    return () => {
      this.#observers = this.#observers.filter((each) => each !== observer);
    };
  }

  #handle(vcpu: X86Vcpu, exit: X86Exit): X86Stop | undefined {
    this.exitCounts[exit.reason] = (this.exitCounts[exit.reason] ?? 0) + 1;
    this.onExit?.(vcpu.id, exit);
    for (const observer of this.#observers) observer(vcpu.id, exit);
    switch (exit.reason) {
      case "IO":
        this.#portAccess(exit);
        return undefined;
      case "MMIO":
        if (exit.isWrite) this.board.writeMmio(exit.address, exit.length, exit.data);
        else vcpu.completeMmio(this.board.readMmio(exit.address, exit.length));
        return undefined;
      case "DEBUG":
        return { kind: "debug", vcpu: vcpu.id, exit };
      case "HLT":
        return { kind: "idle" };
      case "INTR":
      case "IRQ_WINDOW_OPEN":
        return undefined;
      case "SYSTEM_EVENT":
        return { kind: "system", event: exit.type };
      default:
        return { kind: "failed", vcpu: vcpu.id, message: failureOf(exit) };
    }
  }

  #portAccess({ isWrite, size, port, count, data }: X86IoExit): void {
    const { ports } = this.board;
    for (let i = 0; i < count; i++) {
      const at = i * size;
      if (isWrite) {
        let value = 0;
        for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + (data[at + byte] ?? 0);
        ports.write(port, size, value);
      } else {
        const value = ports.read(port, size);
        for (let byte = 0; byte < size; byte++) data[at + byte] = value >>> (8 * byte);
      }
    }
  }

  /** What the guest has just asked of the machine. */
  #requested(): X86Stop | undefined {
    const request = this.#request;
    if (request === undefined) return undefined;
    this.#request = undefined;
    switch (request.kind) {
      case "reset":
        return { kind: "system", event: "RESET" };
      case "exit":
        this.exitStatus = request.status;
        return { kind: "system", event: "SHUTDOWN" };
      case "power-off":
        return { kind: "system", event: "SHUTDOWN" };
    }
  }

  #vcpu(index: number): X86Vcpu {
    const vcpu = this.vm.vcpus[index];
    if (vcpu === undefined) throw new RangeError(`no vCPU ${index}`);
    return vcpu;
  }
}
