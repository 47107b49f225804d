import { type GuestDebugArch, guestDebugControl } from "../kvm/guestDebug.ts";
import type { MpState, Vcpu } from "../kvm/interface.ts";
import type { DebugArchitecture, DebugExit } from "./architecture.ts";
import type { Watchpoint } from "./breakpoint.ts";
import { DebuggerError } from "./errors.ts";
import type { VcpuAction } from "./events.ts";
import type { MemoryView } from "./memory.ts";

/** What has been reported at a PC and must not be reported again before the instruction there has been executed. */
export interface Reported {
  readonly pc: bigint;
  readonly watchpoints: ReadonlySet<Watchpoint>;
}

/** A debug event of the guest's own that the user has been shown before the guest sees it. */
export interface Withheld {
  readonly pc: bigint;
  readonly exit: DebugExit;
}

/** What a vCPU is doing, whether or not the guest is stopped. */
export type VcpuState = "running" | "waiting" | "off";

const states: Readonly<Record<MpState, VcpuState>> = {
  RUNNABLE: "running",
  HALTED: "waiting",
  STOPPED: "off",
};

const stand: VcpuAction = { kind: "stand" };

/** A virtual CPU under the debugger. Its registers and memory may be used while the guest is stopped. */
export class DebuggedVcpu {
  /** 0, 1, … */
  readonly id: number;
  /** The vCPU as KVM has it. */
  readonly kvm: Vcpu;
  /** The session's: what the vCPU does in the present run. */
  action: VcpuAction = stand;
  /** The session's. */
  reported: Reported | undefined;
  /** The session's: delivered when the vCPU goes on, unless its PC is written before. */
  withheld: Withheld | undefined;
  readonly #architecture: DebugArchitecture;
  readonly #memory: MemoryView;
  #control = 0;
  #debugRegisters: GuestDebugArch | undefined;
  #held = false;

  constructor(kvm: Vcpu, architecture: DebugArchitecture, memory: MemoryView) {
    this.id = kvm.id;
    this.kvm = kvm;
    this.#architecture = architecture;
    this.#memory = memory;
  }

  /** The program counter. Once it is written, a breakpoint there stops the vCPU again. */
  get pc(): bigint {
    return this.kvm.getOneReg(this.#architecture.pc);
  }

  set pc(value: bigint) {
    this.kvm.setOneReg(this.#architecture.pc, value);
    this.reported = undefined;
    this.withheld = undefined;
  }

  /** Whether it runs instructions, waits for an interrupt or an event, or has not been switched on. */
  get state(): VcpuState {
    return states[this.kvm.mpState];
  }

  /** The value of a register, unsigned, by its name in assembly: `x0`, `sp`, `cpsr`, `v0`, `VBAR_EL1`. @throws DebuggerError */
  register(name: string): bigint {
    return this.#register(name).read(this.kvm);
  }

  /** Sets a register. @throws DebuggerError for a name there is none of; KvmError for a value it cannot take. */
  setRegister(name: string, value: bigint): void {
    if (name === "pc") this.pc = value;
    else this.#register(name).write(this.kvm, value);
  }

  /** The guest-physical address behind a guest-virtual one as EL1 sees it, undefined when not mapped. */
  translate(address: bigint): bigint | undefined {
    return this.kvm.translate(address)?.physicalAddress;
  }

  /** Guest-virtual memory. @throws DebuggerError unmapped if any of it cannot be read. */
  readMemory(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const done = this.#memory.readVirtual(this.kvm, address, bytes);
    if (done < length) throw unmapped(address + BigInt(done));
    return bytes;
  }

  /** An unsigned little-endian integer in guest-virtual memory. @throws DebuggerError unmapped. */
  readInteger(address: bigint, bytes: 1 | 2 | 4 | 8): bigint {
    return this.readMemory(address, bytes).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  /** Writes guest-virtual memory. @throws DebuggerError unmapped; what is before that is written. */
  writeMemory(address: bigint, bytes: Uint8Array): void {
    const done = this.#memory.writeVirtual(this.kvm, address, bytes);
    if (done < bytes.length) throw unmapped(address + BigInt(done));
  }

  /** What its debug registers hold on the host's behalf. */
  get debugRegisters(): GuestDebugArch | undefined {
    return this.#debugRegisters;
  }

  /** The session's: sets up guest debugging where it is not set up so already. */
  debug(control: number, registers: GuestDebugArch | undefined, holdInterrupts: boolean): void {
    if (holdInterrupts !== this.#held) {
      this.kvm.holdInterrupts?.(holdInterrupts);
      this.#held = holdInterrupts;
    }
    if (control === this.#control && sameRegisters(registers, this.#debugRegisters)) return;
    this.kvm.setGuestDebug({
      control: control === 0 ? 0 : control | guestDebugControl.ENABLE,
      ...(registers === undefined ? {} : { arch: registers }),
    });
    this.#control = control;
    this.#debugRegisters = registers;
  }

  #register(name: string) {
    const register = this.#architecture.registers.get(name);
    if (register === undefined) throw new DebuggerError("invalid", `there is no register ${name}`);
    return register;
  }
}

function sameRegisters(a: GuestDebugArch | undefined, b: GuestDebugArch | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  const others = new Map<string, unknown>(Object.entries(b));
  return Object.entries(a).every(([name, value]) => sameValue(value, others.get(name)));
}

function sameValue(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((value, n) => value === b[n]);
}

function unmapped(address: bigint): DebuggerError {
  return new DebuggerError("unmapped", `address 0x${address.toString(16)} is not mapped to memory`);
}
