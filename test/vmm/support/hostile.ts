import { createHash } from "node:crypto";
import { a64Encodings } from "../../../src/isa/arm64/decode.ts";
import { arm64State } from "../../../src/isa/arm64/state.ts";
import { arm64Reg } from "../../../src/kvm/oneReg.ts";
import { GuestMachine, type GuestOptions, type GuestStop } from "../../../src/vmm/guest.ts";
import { encoding, sysreg } from "../../cpu/arm64/support/assembler.ts";
import { instructionSet, interpreter } from "../../cpu/arm64/support/machine.ts";
import { memoryTypes } from "../../cpu/arm64/support/mmu.ts";
import { attribute, TableBuilder, tcr } from "../../cpu/arm64/support/tables.ts";
import { Random } from "../../isa/arm64/differential/random.ts";

const RAM = 0x4000_0000n;
const CODE = 0x4000_4000n;
const TABLES = 0x4002_0000;
const words = 64;

/** Addresses that mean something to the machine, beside random ones. */
const addresses: readonly bigint[] = [
  0n,
  -1n,
  CODE,
  CODE + 0xf8n,
  RAM,
  RAM + 0xfffn,
  RAM + 0xf_ffffn,
  RAM + 0x10_0000n,
  BigInt(TABLES),
  0x0800_0000n,
  0x0801_0000n,
  0x080a_0000n,
  0x080b_0000n,
  0x0900_0000n,
  0x0901_0000n,
  0x0400_0000n,
  0x1000_0000n,
  0x1_0000_0000n,
  0x2_0000_0ffcn,
  1n << 44n,
  1n << 55n,
  0xffff_8000_0000_0000n,
  0xffff_ffff_ffff_f000n,
  0xab00_0000_4000_4000n,
];

/** MSR, SYS, exceptions and returns: what turns a guest against its own machine. */
const systemForms: ReadonlySet<string> = new Set([
  ...["MSR_reg", "MSR_imm", "MRS", "SYS", "SYSL", "ERET", "SVC", "HVC", "SMC", "BRK", "HLT"],
  ...["WFI", "WFE", "ISB", "SEV", "SEVL", "HINT", "DRPS"],
]);
const system = a64Encodings.filter((each) => systemForms.has(each.name));
const loadsAndStores = a64Encodings.filter((each) => /^(LD|ST|CAS|SWP|PRF)/.test(each.name));

const registerKeys = Object.values(sysreg).map(encoding);

function instruction(random: Random): number {
  const kind = random.below(16);
  if (kind === 0) return random.u32();
  const form = random.pick(kind < 4 ? system : kind < 8 ? loadsAndStores : a64Encodings);
  const word = ((form.value & form.mask) | (random.u32() & ~form.mask)) >>> 0;
  // Registers that there are, more often than chance would have it.
  if ((form.name === "MSR_reg" || form.name === "MRS") && random.oneIn(2))
    return ((word & 0xfff0_001f) | ((random.pick(registerKeys) << 5) & 0x000f_ffe0)) >>> 0;
  return word;
}

function value(random: Random): bigint {
  switch (random.below(4)) {
    case 0:
      return random.u64();
    case 1:
      return BigInt(random.below(0x1000));
    case 2:
      return random.pick(addresses);
    default:
      return random.pick(addresses) + BigInt(random.below(64)) - 16n;
  }
}

/** One hostile program's circumstances. */
export interface HostileProgram {
  readonly seed: number;
  readonly code: readonly number[];
}

/** The program of a seed: 64 words. */
export function hostileProgram(seed: number): HostileProgram {
  const random = new Random(seed, "code");
  return { seed, code: Array.from({ length: words }, () => instruction(random)) };
}

/** A machine that random programs run on, one after the other. */
export class HostileMachine {
  readonly machine: GuestMachine;
  readonly #tables: Uint8Array;

  constructor(gicVersion: 2 | 3, engine: Pick<GuestOptions, "engine" | "heat"> = {}) {
    this.machine = new GuestMachine({
      ...engine,
      instructionSet,
      interpreter,
      memoryBytes: 1 << 20,
      cpus: 2,
      gicVersion,
      transmit: () => {},
    });
    const tables = new DataView(new ArrayBuffer(0x8000));
    const builder = new TableBuilder((address, descriptor) => {
      tables.setBigUint64(address - TABLES, descriptor, true);
    }, TABLES);
    for (const [va, bits] of [
      [RAM, 0n],
      [0x1_0000_0000n, attribute.el0],
      [0x2_0000_0000n, attribute.el0 | attribute.notGlobal],
    ] as const)
      builder.map(va, Number(RAM), bits, 2);
    builder.map(0x0800_0000n, 0x0800_0000, attribute.index(1) | attribute.el0, 2);
    builder.map(0x0900_0000n, 0x0900_0000, attribute.index(1), 2);
    this.#tables = new Uint8Array(tables.buffer);
  }

  /** Runs a program from a state of its seed, for at most `limit` nanoseconds, in slices. */
  run(program: HostileProgram, limit: number, slice = limit): GuestStop {
    const { machine } = this;
    const random = new Random(program.seed, "state");
    machine.board.reset();
    for (const vcpu of machine.vm.vcpus) vcpu.powerOff();
    const code = new Uint8Array(Uint32Array.from(program.code).buffer);
    machine.vm.writeMemory(BigInt(TABLES), this.#tables);
    machine.vm.writeMemory(CODE, code);
    // Vectors: the same program again, so that handlers are as hostile.
    machine.vm.writeMemory(RAM, code);
    machine.vm.writeMemory(RAM + 0x200n, code);
    machine.vm.writeMemory(RAM + 0x400n, code);
    const [vcpu] = machine.vm.vcpus;
    if (vcpu === undefined) throw new RangeError("no vCPU");
    vcpu.powerOn(CODE, 0n);
    const { cpu } = vcpu;
    for (let n = 0; n < 31; n++) vcpu.setOneReg(arm64Reg.x(n), BigInt.asUintN(64, value(random)));
    for (let n = 0; n < 32; n++) vcpu.setOneReg(arm64Reg.v(n), (random.u64() << 64n) | random.u64());
    vcpu.setOneReg(arm64Reg.sp, BigInt.asUintN(64, value(random)));
    vcpu.setOneReg(arm64Reg.spEl1, BigInt.asUintN(64, value(random)));
    cpu.system.set("VBAR_EL1", RAM);
    cpu.system.set("MAIR_EL1", memoryTypes);
    cpu.system.set("CPACR_EL1", random.oneIn(4) ? 0n : 3n << 20n);
    cpu.system.set("TTBR0_EL1", BigInt(TABLES));
    cpu.system.set("TTBR1_EL1", BigInt(TABLES));
    cpu.system.set("TCR_EL1", tcr({ tbi0: random.oneIn(2), as16: random.oneIn(2) }));
    cpu.system.set("ELR_EL1", random.pick([CODE, 0x1_0000_4000n, BigInt.asUintN(64, value(random))]));
    cpu.system.set("SPSR_EL1", BigInt(random.pick([0, 0x3c5, 0x3c4, 0x3c0, random.u32()])));
    const mmu = random.oneIn(2);
    const user = random.oneIn(2);
    const control = cpu.system.get("SCTLR_EL1") | BigInt(random.u32() & 0x040d_d202);
    cpu.system.set("SCTLR_EL1", mmu ? control | 1n : control);
    vcpu.setOneReg(arm64Reg.pstate, user ? 0n : BigInt(random.pick([5, 4, 0x3c5, 0x105])));
    if (user && mmu) vcpu.setOneReg(arm64Reg.pc, 0x1_0000_4000n);
    cpu.registers.setInt(arm64State.flagC, random.below(2));
    const end = machine.now + limit;
    for (;;) {
      const stop = machine.advance(Math.min(slice, end - machine.now));
      if (stop.kind !== "limit" || machine.now >= end) return stop;
    }
  }

  /** What the last program has left, as text. */
  state(): string {
    const { machine } = this;
    const vcpus = machine.vm.vcpus.map((vcpu) =>
      [vcpu.mpState, ...vcpu.regList().map((id) => vcpu.getOneReg(id).toString(16))].join(" "),
    );
    const memory = createHash("sha256")
      .update(machine.vm.readMemory(RAM, 1 << 20))
      .digest("hex");
    return [...vcpus, memory].join("\n");
  }
}
