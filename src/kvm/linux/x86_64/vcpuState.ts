import type { MpState, Translation } from "../../interface.ts";
import { x86Registers } from "../../x86Registers.ts";
import type {
  X86DebugRegs,
  X86Fpu,
  X86Regs,
  X86Sregs,
  X86VcpuEvents,
  X86Xcrs,
} from "../uapi/x86_64/records.ts";
import { placeOf, readRegister, writeRegister } from "./oneReg.ts";
import type { X86VcpuFile } from "./vcpuFile.ts";
import { XsaveImage } from "./xsave.ts";

/** What has been read of a vCPU that has not run since. */
interface Seen {
  regs?: X86Regs;
  sregs?: X86Sregs;
  xsave?: XsaveImage;
}

/** The state of a vCPU as the kernel has it, and how to end a run. */
export abstract class X86VcpuState {
  readonly id: number;
  /** The same vCPU as the kernel has it, with all its ioctls. */
  readonly file: X86VcpuFile;
  #seen: Seen = {};
  #hasSeen = false;

  constructor(file: X86VcpuFile) {
    this.id = file.id;
    this.file = file;
  }

  /** The linear address of the next instruction. */
  get pc(): bigint {
    if (this.knowsPc) return this.file.last.pc;
    const { cs } = this.getSregs();
    const { rip } = this.getRegs();
    return cs.l === 1 ? rip : rip + cs.base;
  }

  /** Whether the last exit still tells where the vCPU is. */
  protected abstract get knowsPc(): boolean;

  /** Called after somebody has written registers that say where the vCPU is. */
  protected abstract moved(): void;

  /** The vCPU is going to run: what has been read of it is not so any more. */
  protected forget(): void {
    if (!this.#hasSeen) return;
    this.#hasSeen = false;
    this.#seen = {};
  }

  /** The data of an MMIO read exit, before the vCPU runs again. */
  completeMmio(data: bigint): void {
    this.file.completeMmio(data);
  }

  getRegs(): X86Regs {
    this.#hasSeen = true;
    this.#seen.regs ??= this.file.getRegs();
    return this.#seen.regs;
  }

  /** @throws KvmError EINVAL */
  setRegs(regs: X86Regs): void {
    this.file.setRegs(regs);
    this.forget();
    this.moved();
  }

  getSregs(): X86Sregs {
    this.#hasSeen = true;
    this.#seen.sregs ??= this.file.getSregs();
    return this.#seen.sregs;
  }

  /** @throws KvmError EINVAL for control registers that contradict each other. */
  setSregs(sregs: X86Sregs): void {
    this.file.setSregs(sregs);
    this.forget();
    this.moved();
  }

  getFpu(): X86Fpu {
    return this.file.getFpu();
  }

  setFpu(fpu: X86Fpu): void {
    this.file.setFpu(fpu);
    this.forget();
  }

  getXsave(): Uint8Array {
    return this.file.getXsave();
  }

  setXsave(image: Uint8Array): void {
    this.file.setXsave(image);
    this.forget();
  }

  /** `getXsave` to look at, not to change. */
  get xsave(): XsaveImage {
    this.#hasSeen = true;
    this.#seen.xsave ??= new XsaveImage(this.getXsave());
    return this.#seen.xsave;
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
    this.forget();
  }

  /** A register by its id (`x86Registers`). @throws KvmError ENOENT; EINVAL for an MSR that this vCPU has not */
  getOneReg(id: bigint): bigint {
    return readRegister(this, placeOf(id));
  }

  /** @throws KvmError ENOENT; EINVAL for a value it cannot take */
  setOneReg(id: bigint, value: bigint): void {
    writeRegister(this, placeOf(id), value);
  }

  /** The ids of all registers with names. */
  regList(): readonly bigint[] {
    return x86Registers.map(({ id }) => id);
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
}
