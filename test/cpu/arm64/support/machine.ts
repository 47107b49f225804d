import type { CpuInterrupts } from "../../../../src/cpu/arm64/cluster.ts";
import type { EngineMode } from "../../../../src/engine/engine.ts";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import type { EmbeddedArm64Vcpu } from "../../../../src/kvm/embedded/arm64/vcpu.ts";
import { EmbeddedArm64Vm } from "../../../../src/kvm/embedded/arm64/vm.ts";
import type { KvmExit } from "../../../../src/kvm/exits.ts";
import { arm64Reg } from "../../../../src/kvm/oneReg.ts";
import { makeInterpreter } from "../../../../src/vmm/interpreter.ts";
import { a64, encoding, type SysregName, sysreg } from "./assembler.ts";

/** The instruction set and its interpreter, made once for all machines of a test file. */
export const instructionSet = arm64InstructionSet();
/** See `instructionSet`. */
export const interpreter = makeInterpreter(instructionSet);

/** Where everything lies in a bare machine. Guest-physical. */
export const place = {
  ram: 0x4000_0000,
  ramBytes: 0x80_0000,
  /** Each vector stops, so that the exception stays to be looked at. */
  vectors: 0x4000_0000,
  code: 0x4001_0000,
  data: 0x4002_0000,
  tables: 0x4010_0000,
  /** Nothing answers here but the test. */
  device: 0x0900_0000,
} as const;

/** Ends a program: exits for ever, again and again, from the same place. */
export const stop: readonly number[] = [a64.wfe, a64.b(-1)];
/** The exit that `stop` ends with. */
export const stopped = { reason: "HALTED", until: "event" } as const;

/** Offsets from VBAR_EL1 (Arm ARM D1.3.1.5). */
export const vector = { current: 0x200, lower: 0x400, irq: 0x80, fiq: 0x100 } as const;

/** Interrupt lines that a test sets. Private lines are noted, and drive IRQ while a test says so. */
export class TestInterrupts implements CpuInterrupts {
  readonly irq: boolean[] = [];
  readonly fiq: boolean[] = [];
  readonly ppi = new Map<string, boolean>();
  /** The private interrupts that drive the IRQ input of their CPU. */
  connected: readonly number[] = [];

  pending(cpu: number): { readonly irq: boolean; readonly fiq: boolean } {
    const timers = this.connected.some((intid) => this.ppi.get(`${cpu},${intid}`) === true);
    return { irq: (this.irq[cpu] ?? false) || timers, fiq: this.fiq[cpu] ?? false };
  }

  setPpi(cpu: number, intid: number, level: boolean): void {
    this.ppi.set(`${cpu},${intid}`, level);
  }
}

/** What a device of a test answers: data for a read; undefined refuses the access. */
export type TestDevice = (exit: Extract<KvmExit, { reason: "MMIO" }>) => bigint | undefined;

export interface BareOptions {
  readonly cpus?: number;
  /** How the engine runs code; left out, as it does by default. */
  readonly engine?: { readonly mode: EngineMode; readonly heat?: number };
  /** See `EmbeddedArm64Options.vhe`. */
  readonly vhe?: boolean;
  readonly ramBytes?: number;
}

/** vCPUs with RAM and nothing else. */
export class BareMachine {
  readonly vm: EmbeddedArm64Vm;
  readonly interrupts = new TestInterrupts();
  /** Every exit of `run`, in order. */
  readonly exits: KvmExit[] = [];
  device: TestDevice = () => undefined;

  constructor(options: BareOptions = {}) {
    this.vm = new EmbeddedArm64Vm({
      instructionSet,
      interpreter,
      cpus: options.cpus ?? 1,
      ramBytes: (options.ramBytes ?? place.ramBytes) + 0x10_0000,
      ...options.engine,
      ...(options.vhe === undefined ? {} : { vhe: options.vhe }),
    });
    this.vm.setInterruptController(this.interrupts, undefined);
    this.vm.setMemoryRegion({
      slot: 0,
      guestPhysicalAddress: BigInt(place.ram),
      size: BigInt(options.ramBytes ?? place.ramBytes),
    });
    for (let offset = 0; offset < 0x800; offset += 0x80) this.load(place.vectors + offset, [stop]);
    for (const vcpu of this.vm.vcpus) {
      vcpu.powerOn(BigInt(place.code), 0n);
      vcpu.cpu.system.set("VBAR_EL1", BigInt(place.vectors));
    }
  }

  vcpu(index = 0): EmbeddedArm64Vcpu {
    const vcpu = this.vm.vcpus[index];
    if (vcpu === undefined) throw new RangeError(`no vCPU ${index}`);
    return vcpu;
  }

  /** Writes instructions at a guest-physical address. */
  load(address: number, words: readonly (number | readonly number[])[]): void {
    this.vm.writeMemory(BigInt(address), new Uint8Array(Uint32Array.from(words.flat()).buffer));
  }

  /** Writes 64-bit words. */
  poke(address: number, ...values: readonly bigint[]): void {
    this.vm.writeMemory(BigInt(address), new Uint8Array(BigUint64Array.from(values).buffer));
  }

  peek(address: number): bigint {
    return new DataView(this.vm.readMemory(BigInt(address), 8).buffer).getBigUint64(0, true);
  }

  /** Puts a program at the usual place, EL1 and PC there, and runs it until something other than MMIO happens. */
  execute(words: readonly (number | readonly number[])[], limit = 10_000): KvmExit {
    this.load(place.code, [...words, stop]);
    this.pstate = 0x3c5n;
    this.pc = BigInt(place.code);
    return this.run(limit);
  }

  /** Runs until an exit that `device` does not answer. */
  run(limit = 10_000, index = 0): KvmExit {
    const vcpu = this.vcpu(index);
    for (let accesses = 0; accesses < 100_000; accesses++) {
      const exit = vcpu.run(limit);
      this.exits.push(exit);
      if (exit.reason !== "MMIO") return exit;
      const data = this.device(exit);
      if (data === undefined) vcpu.failMmio();
      else vcpu.completeMmio(data);
    }
    throw new Error("the guest does nothing but access devices");
  }

  x(n: number, index = 0): bigint {
    return this.vcpu(index).getOneReg(arm64Reg.x(n));
  }

  setX(n: number, value: bigint, index = 0): void {
    this.vcpu(index).setOneReg(arm64Reg.x(n), BigInt.asUintN(64, value));
  }

  get pc(): bigint {
    return this.vcpu().getOneReg(arm64Reg.pc);
  }

  set pc(value: bigint) {
    this.vcpu().setOneReg(arm64Reg.pc, value);
  }

  get pstate(): bigint {
    return this.vcpu().getOneReg(arm64Reg.pstate);
  }

  set pstate(value: bigint) {
    this.vcpu().setOneReg(arm64Reg.pstate, value);
  }

  get(name: SysregName, index = 0): bigint {
    this.vm.cluster.activate(index);
    const value = this.vcpu(index).cpu.system.getByKey(encoding(sysreg[name]));
    if (value === undefined) throw new RangeError(`no register ${name}`);
    return value;
  }

  /** Writes as MSR at EL1 does. */
  set(name: SysregName, value: bigint, index = 0): void {
    this.vm.cluster.activate(index);
    if (!this.vcpu(index).cpu.system.setByKey(encoding(sysreg[name]), value))
      throw new RangeError(`no register ${name}`);
  }

  /** The exception that ended in a vector, for comparison. */
  exception(index = 0): Exception {
    const vcpu = this.vcpu(index);
    const offset = Number(vcpu.getOneReg(arm64Reg.pc)) - 4 - Number(this.get("VBAR_EL1", index));
    const esr = Number(this.get("ESR_EL1", index));
    return {
      vector: offset,
      ec: esr >>> 26,
      iss: esr & 0x1ff_ffff,
      elr: Number(this.get("ELR_EL1", index)),
      far: Number(this.get("FAR_EL1", index)),
      spsr: Number(this.get("SPSR_EL1", index)),
    };
  }
}

/** What a guest's handler sees. */
export interface Exception {
  readonly vector: number;
  readonly ec: number;
  readonly iss: number;
  readonly elr: number;
  readonly far: number;
  readonly spsr: number;
}
