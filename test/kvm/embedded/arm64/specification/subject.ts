import type { EmbeddedArm64Vcpu } from "../../../../../src/kvm/embedded/arm64/vcpu.ts";
import type { KvmExit } from "../../../../../src/kvm/exits.ts";
import { arm64Reg } from "../../../../../src/kvm/oneReg.ts";
import { a64, encoding } from "../../../../cpu/arm64/support/assembler.ts";
import { BareMachine, type BareOptions, place } from "../../../../cpu/arm64/support/machine.ts";
import type { ComparatorSet } from "./guest.ts";
import { registers } from "./instructions.ts";
import { at, constants, programLength } from "./menu.ts";

const systemIds = Object.fromEntries(
  Object.entries(registers)
    .filter(([, register]) => register.read !== undefined)
    .map(([name, register]) => [name, arm64Reg.sysreg(encoding(register.encoding))]),
);
const spsrId = arm64Reg.spsr(0);
const vbarId = arm64Reg.sysreg(encoding("3 0 12 0 0"));

/** What can be seen of a vCPU, by name. */
export type Seen = Readonly<Record<string, bigint>>;

/** The vCPU under test, with a machine around it that is used again and again. */
export class Subject {
  readonly #machine: BareMachine;

  /** What was written to MDCR_EL2 in the last run. */
  readonly mdcrWrites: number[] = [];

  constructor(options: Pick<BareOptions, "engine" | "vhe">) {
    this.#machine = new BareMachine(options);
    this.vcpu.cpu.controls.onMdcrWrite = (value) => this.mdcrWrites.push(value);
  }

  get vcpu(): EmbeddedArm64Vcpu {
    return this.#machine.vcpu();
  }

  get now(): number {
    return this.#machine.vm.cluster.clock.nanoseconds;
  }

  /** A fresh vCPU at the program's beginning at EL1 with everything masked. */
  begin(program: readonly number[], handlers: ReadonlyMap<bigint, readonly number[]>): void {
    const machine = this.#machine;
    const { vcpu } = this;
    vcpu.setGuestDebug({ control: 0 });
    machine.interrupts.irq[0] = false;
    machine.load(Number(at.vectors), [new Array<number>(0x200).fill(0)]);
    for (const [address, words] of handlers) machine.load(Number(address), [words]);
    machine.load(Number(at.code), [program, a64.b(-programLength), new Array<number>(8).fill(0)]);
    machine.poke(place.data, 0n, 0n);
    vcpu.powerOn(at.code, 0x8400_0000n);
    vcpu.setOneReg(vbarId, at.vectors);
    for (const [n, value] of constants) vcpu.setOneReg(arm64Reg.x(n), value);
  }

  set interrupt(level: boolean) {
    this.#machine.interrupts.irq[0] = level;
  }

  setGuestDebug(control: number, { bvr, bcr, wvr, wcr }: ComparatorSet): void {
    this.vcpu.setGuestDebug({ control, arch: { bvr, bcr, wvr, wcr } });
  }

  run(limit: number): KvmExit {
    this.mdcrWrites.length = 0;
    return this.vcpu.run(limit);
  }

  /** What userspace does by one-reg to deliver an exception (S1.5). */
  deliver(hsr: number, far: bigint): void {
    const { vcpu } = this;
    const pstate = vcpu.getOneReg(arm64Reg.pstate);
    const mode = pstate & 15n;
    const ec = hsr >>> 26;
    const translated = mode !== 0n && [0x30, 0x32, 0x34].includes(ec) ? hsr + 2 ** 26 : hsr;
    vcpu.setOneReg(spsrId, pstate);
    vcpu.setOneReg(arm64Reg.elrEl1, vcpu.getOneReg(arm64Reg.pc));
    this.write("ESR_EL1", BigInt(translated));
    if (ec === 0x34) this.write("FAR_EL1", far);
    vcpu.setOneReg(arm64Reg.pstate, 0x3c5n);
    const group = mode === 0n ? 0x400n : mode === 4n ? 0n : 0x200n;
    vcpu.setOneReg(arm64Reg.pc, at.vectors + group);
  }

  /** A register by userspace. */
  write(name: string, value: bigint): void {
    const id = systemIds[name];
    if (id === undefined) throw new RangeError(name);
    this.vcpu.setOneReg(id, value);
  }

  get seen(): Seen {
    const { vcpu } = this;
    const all: Record<string, bigint> = {};
    for (let n = 0; n < 31; n++) all[`x${n}`] = vcpu.getOneReg(arm64Reg.x(n));
    all["pc"] = vcpu.getOneReg(arm64Reg.pc);
    all["pstate"] = vcpu.getOneReg(arm64Reg.pstate);
    for (const [name, id] of Object.entries(systemIds)) all[name] = vcpu.getOneReg(id);
    all["memory"] = this.#machine.peek(place.data);
    return all;
  }
}
