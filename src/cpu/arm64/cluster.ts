import { Engine, type EngineHost, type EngineMode, type RunResult } from "../../engine/engine.ts";
import type { Interpreter } from "../../engine/interpreter/interpreter.ts";
import type { InstructionSet } from "../../engine/operation.ts";
import type { RegionService } from "../../engine/region/job.ts";
import { arm64State } from "../../isa/arm64/state.ts";
import { VirtualClock } from "./clock.ts";
import { Arm64Cpu } from "./cpu.ts";
import { fetchPage } from "./fetch.ts";
import { makeHostCalls } from "./hostCalls.ts";
import { loadSlow, storeSlow } from "./memoryAccess.ts";
import { PhysicalMemory } from "./physicalMemory.ts";
import { Arm64Registers } from "./registers.ts";
import { nanosecondsPerTick } from "./timers.ts";

/** What the CPUs need of the interrupt controller. */
export interface CpuInterrupts {
  /** The levels on the IRQ and FIQ inputs of a CPU. */
  pending(cpu: number): { readonly irq: boolean; readonly fiq: boolean };
  /** Drives a private peripheral interrupt, INTID 16–31. */
  setPpi(cpu: number, intid: number, level: boolean): void;
}

/** The CPU interface of a GICv3: ICC_*_EL1 by encoding. */
export interface SystemRegisterInterrupts {
  readSystemRegister(cpu: number, key: number): bigint | undefined;
  writeSystemRegister(cpu: number, key: number, value: bigint): boolean;
}

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly instructionSet: InstructionSet;
  /** 1–8. */
  readonly cpus: number;
  /** Host memory for guest RAM, all slots together. */
  readonly ramBytes: number;
  /** The instruction set's interpreter, if it was generated before. */
  readonly interpreter?: Interpreter;
  /** How guest code is executed; default: auto. */
  readonly mode?: EngineMode;
  /** See `EngineOptions.heat`. */
  readonly heat?: number;
  /** See `EngineOptions.regionService`. */
  readonly regionService?: RegionService;
}

/** The vCPUs of one machine with the engine they share; one of them is active, its registers in the state window. */
export class Arm64Cluster implements EngineHost {
  readonly engine: Engine;
  readonly cpus: readonly Arm64Cpu[];
  readonly registers: Arm64Registers;
  readonly physical = new PhysicalMemory();
  readonly clock = new VirtualClock();
  readonly hostCalls: EngineHost["hostCalls"];
  /** Set by the machine. */
  interrupts: CpuInterrupts | undefined;
  /** Set by a machine with a GICv3. */
  systemRegisterInterrupts: SystemRegisterInterrupts | undefined;
  /** Called when a vCPU's debug registers or their controls changed; the hypervisor decides what the hardware holds. */
  onDebugRegistersChanged: ((cpu: Arm64Cpu) => void) | undefined;
  readonly #set: InstructionSet;
  #active = 0;
  #lastRun = 0;
  #running: number | undefined;

  /** @throws EngineMemoryError when the host cannot provide the memory. */
  constructor(options: ClusterOptions) {
    this.#set = options.instructionSet;
    this.hostCalls = makeHostCalls(this);
    this.engine = new Engine(options.instructionSet, this, {
      ramBytes: options.ramBytes,
      contexts: options.cpus * 2,
      interpreter: options.interpreter,
      mode: options.mode,
      heat: options.heat,
      regionService: options.regionService,
    });
    this.registers = new Arm64Registers(this.engine.memory);
    this.cpus = Array.from({ length: options.cpus }, (_, index) => new Arm64Cpu(this, index));
    for (const cpu of this.cpus) this.reset(cpu.index);
    this.activate(0);
  }

  get active(): Arm64Cpu {
    const cpu = this.cpus[this.#active];
    if (cpu === undefined) throw new RangeError(`no CPU ${this.#active}`);
    return cpu;
  }

  /** Makes a vCPU's registers the ones in the state window. */
  activate(index: number): void {
    if (index === this.#active) return;
    this.registers.keep(this.#active);
    this.#active = index;
    this.registers.bringIn(index);
  }

  /** Puts a vCPU into the state of a cold reset at EL1 with everything masked (Arm ARM D1.10.1). */
  reset(index: number): void {
    this.activate(index);
    this.engine.memory.bytes.fill(0, arm64State.flagN.place.address - 0x100, 0x2000);
    this.registers.setInt(arm64State.el, 1);
    this.registers.setInt(arm64State.spSel, 1);
    this.registers.daif = 0x3c0;
    this.registers.setFlags(0);
    this.cpus[index]?.reset();
  }

  /** The system counter: ticks of 62.5 MHz of virtual time, exact within a run. */
  count(): bigint {
    return BigInt(Math.floor(this.now() / nanosecondsPerTick));
  }

  /** Nanoseconds of virtual time, exact within a run. */
  now(): number {
    return this.clock.nanoseconds + this.retiredInRun();
  }

  /** Instructions retired so far in the present run, 0 outside one. */
  retiredInRun(): number {
    return this.#running === undefined ? 0 : this.#running - this.engine.remaining - 1;
  }

  /** Runs the active CPU's instructions; see `Engine.run`. */
  execute(count: number): RunResult {
    if (this.#lastRun !== this.#active) {
      // Another CPU ran in between: the exclusive monitor is open.
      this.#lastRun = this.#active;
      this.registers.setInt(arm64State.exclusiveBytes, 0);
    }
    this.#running = count;
    try {
      return this.engine.run(count);
    } finally {
      this.#running = undefined;
    }
  }

  /** From inside an instruction: look at interrupts and controls again after it. */
  endRunSoon(): void {
    if (this.#running !== undefined) this.engine.endRunSoon();
  }

  /** As `endRunSoon`, when an interrupt would now be taken. After everything in a run that can assert one. */
  endRunIfInterrupted(cpu: Arm64Cpu): void {
    if (cpu.interrupts.look() !== undefined) this.endRunSoon();
  }

  debugRegistersChanged(cpu: Arm64Cpu): void {
    this.onDebugRegistersChanged?.(cpu);
    this.endRunSoon();
  }

  /** Forgets all marks of breakpoints; fetching a page marks it again. */
  remark(): void {
    this.engine.code.unmarkAll();
    this.engine.tlb.flushFetches();
    this.endRunSoon();
  }

  /** Changes stage 2: every translation is forgotten. */
  setSlots(slots: Parameters<PhysicalMemory["setSlots"]>[0]): void {
    this.physical.setSlots(slots);
    for (const cpu of this.cpus) cpu.stage1.flush();
  }

  /** Guest memory was written from outside. */
  memoryWritten(host: number, length: number): void {
    this.engine.code.written(host, length);
  }

  /** Wakes every CPU that waits in WFE. */
  sendEvent(): void {
    for (const cpu of this.cpus) cpu.eventPending = true;
  }

  loadSlow(address: bigint, access: number): bigint {
    return loadSlow(this, this.active, address, access);
  }

  storeSlow(address: bigint, access: number, lowBits: bigint, highBits: bigint): void {
    storeSlow(this, this.active, address, access, lowBits, highBits);
  }

  fetch(address: bigint): number {
    return fetchPage(this, this.active, address);
  }

  marked(): boolean {
    return this.active.debug.passesMark();
  }

  /** Name of an operation, for messages. */
  operationName(index: number): string {
    return this.#set.operations[index]?.name ?? `operation ${index}`;
  }
}
