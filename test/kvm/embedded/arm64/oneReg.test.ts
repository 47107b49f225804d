import { describe, expect, it } from "vitest";
import { systemRegisters } from "../../../../src/cpu/arm64/systemRegisters/table.ts";
import { KvmError } from "../../../../src/kvm/errors.ts";
import { arm64Reg, parseArm64Reg } from "../../../../src/kvm/oneReg.ts";
import { encoding } from "../../../cpu/arm64/support/assembler.ts";
import { BareMachine } from "../../../cpu/arm64/support/machine.ts";

function errnoOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof KvmError) return error.errno;
    throw error;
  }
}

const idOf = (name: string): bigint => {
  const row = systemRegisters.find((each) => each.name === name);
  if (row === undefined) throw new RangeError(name);
  return arm64Reg.sysreg(row.key);
};
const sizeOf = (id: bigint): number => 1 << Number((id >> 52n) & 15n);

describe("ids", () => {
  // linux/kvm.h and asm/kvm.h: offsets in struct kvm_regs counted in 32-bit words.
  it.each([
    ["X0", arm64Reg.x(0), 0x6030_0000_0010_0000n],
    ["X30", arm64Reg.x(30), 0x6030_0000_0010_003cn],
    ["SP", arm64Reg.sp, 0x6030_0000_0010_003en],
    ["PC", arm64Reg.pc, 0x6030_0000_0010_0040n],
    ["PSTATE", arm64Reg.pstate, 0x6030_0000_0010_0042n],
    ["SP_EL1", arm64Reg.spEl1, 0x6030_0000_0010_0044n],
    ["ELR_EL1", arm64Reg.elrEl1, 0x6030_0000_0010_0046n],
    ["SPSR[KVM_SPSR_EL1]", arm64Reg.spsr(0), 0x6030_0000_0010_0048n],
    ["SPSR[KVM_SPSR_FIQ]", arm64Reg.spsr(4), 0x6030_0000_0010_0050n],
    ["V0", arm64Reg.v(0), 0x6040_0000_0010_0054n],
    ["V31", arm64Reg.v(31), 0x6040_0000_0010_00d0n],
    ["FPSR", arm64Reg.fpsr, 0x6020_0000_0010_00d4n],
    ["FPCR", arm64Reg.fpcr, 0x6020_0000_0010_00d5n],
    ["PSCI version", arm64Reg.psciVersion, 0x6030_0000_0014_0000n],
    ["MPIDR_EL1", idOf("MPIDR_EL1"), 0x6030_0000_0013_c005n],
    ["KVM_REG_ARM_TIMER_CTL", idOf("CNTV_CTL_EL0"), 0x6030_0000_0013_df19n],
    ["KVM_REG_ARM_TIMER_CNT", idOf("CNTVCT_EL0"), 0x6030_0000_0013_df1an],
    ["KVM_REG_ARM_TIMER_CVAL", idOf("CNTV_CVAL_EL0"), 0x6030_0000_0013_df02n],
  ])("%s", (_, id, expected) => {
    expect(id).toBe(expected);
  });

  it("parsing is the inverse of making", () => {
    for (const row of systemRegisters)
      expect(parseArm64Reg(arm64Reg.sysreg(row.key))).toEqual({ kind: "sysreg", key: row.key });
    expect(parseArm64Reg(arm64Reg.v(7))).toEqual({ kind: "v", n: 7 });
  });
});

describe("KVM_GET_REG_LIST", () => {
  const machine = new BareMachine({ cpus: 2 });
  const list = machine.vcpu(1).regList();

  it("has every id once, each of a size KVM knows", () => {
    expect(new Set(list).size).toBe(list.length);
    for (const id of list) expect([4, 8, 16]).toContain(sizeOf(id));
    for (const id of [arm64Reg.pc, arm64Reg.x(30), arm64Reg.v(31), idOf("VBAR_EL1"), idOf("CNTVCT_EL0")])
      expect(list).toContain(id);
  });

  it("what each id reads can be written back and stays", () => {
    for (const vcpu of machine.vm.vcpus) {
      for (const id of list) {
        const value = vcpu.getOneReg(id);
        expect(value).toBeGreaterThanOrEqual(0n);
        expect(value >> BigInt(8 * sizeOf(id))).toBe(0n);
        vcpu.setOneReg(id, value);
        expect(vcpu.getOneReg(id), id.toString(16)).toBe(value);
      }
    }
  });

  it("restores a vCPU's state on another machine", () => {
    const from = new BareMachine().vcpu();
    const to = new BareMachine().vcpu();
    const pattern = 0x1234_5678_9abc_def0_0fed_cba9_8765_4321n;
    for (const id of from.regList()) {
      if (id === arm64Reg.pstate || id === arm64Reg.psciVersion) continue;
      const row = systemRegisters.find((each) => arm64Reg.sysreg(each.key) === id);
      if (row?.access === "ro" && row.name !== "CNTVCT_EL0") continue;
      from.setOneReg(id, BigInt.asUintN(8 * sizeOf(id), pattern));
    }
    from.setOneReg(arm64Reg.pstate, 0x6000_03c4n);
    const saved = from.regList().map((id): [bigint, bigint] => [id, from.getOneReg(id)]);
    for (const [id, value] of saved) to.setOneReg(id, value);
    for (const [id, value] of saved) expect(to.getOneReg(id), id.toString(16)).toBe(value);
    expect(to.getOneReg(arm64Reg.x(3))).toBe(BigInt.asUintN(64, pattern));
    expect(to.getOneReg(arm64Reg.v(3))).toBe(pattern);
  });

  it("a state replaces what was there before, bit for bit", () => {
    const vcpu = new BareMachine().vcpu();
    for (const name of ["PMCNTENSET_EL0", "PMINTENSET_EL1", "PMOVSSET_EL0", "DBGCLAIMCLR_EL1"]) {
      for (const value of [0x3fn, 0x15n, 0n]) {
        vcpu.setOneReg(idOf(name), value);
        expect(vcpu.getOneReg(idOf(name)), name).toBe(value);
      }
    }
    for (const value of [0x8n, 0xan]) {
      vcpu.setOneReg(idOf("OSLSR_EL1"), value);
      expect(vcpu.getOneReg(idOf("OSLSR_EL1"))).toBe(value);
    }
    expect(errnoOf(() => vcpu.setOneReg(idOf("OSLSR_EL1"), 0n))).toBe("EINVAL");
  });

  it("keeps the vCPUs apart", () => {
    const [a, b] = [machine.vcpu(0), machine.vcpu(1)];
    a.setOneReg(arm64Reg.x(5), 1n);
    b.setOneReg(arm64Reg.x(5), 2n);
    a.setOneReg(idOf("TPIDR_EL1"), 3n);
    b.setOneReg(idOf("TPIDR_EL1"), 4n);
    expect([a.getOneReg(arm64Reg.x(5)), b.getOneReg(arm64Reg.x(5))]).toEqual([1n, 2n]);
    expect([a.getOneReg(idOf("TPIDR_EL1")), b.getOneReg(idOf("TPIDR_EL1"))]).toEqual([3n, 4n]);
  });
});

describe("what a register cannot be", () => {
  const vcpu = new BareMachine().vcpu();

  it.each([
    ["an offset after the last core register", 0x6030_0000_0010_00d6n],
    ["a core register of another size", 0x6020_0000_0010_0000n],
    ["the middle of a core register", 0x6030_0000_0010_0001n],
    ["another architecture's", 0x2030_0000_0010_0000n],
    ["an unallocated system register", arm64Reg.sysreg(encoding("3 7 15 15 7"))],
    ["an EL2 register", arm64Reg.sysreg(encoding("3 4 1 0 0"))],
    ["another group", 0x6030_0000_0020_0000n],
    ["zero", 0n],
  ])("ENOENT: %s", (_, id) => {
    expect(errnoOf(() => vcpu.getOneReg(id))).toBe("ENOENT");
    expect(errnoOf(() => vcpu.setOneReg(id, 0n))).toBe("ENOENT");
  });

  it("EINVAL: a PSTATE that no vCPU can have, and it stays as it was", () => {
    const before = vcpu.getOneReg(arm64Reg.pstate);
    for (const mode of [0x1n, 0x2n, 0x3n, 0x6n, 0x7n, 0x8n, 0x9n, 0xcn, 0xdn, 0xfn, 0x10n, 0x13n, 0x1fn])
      expect(
        errnoOf(() => vcpu.setOneReg(arm64Reg.pstate, 0x3c0n | mode)),
        mode.toString(16),
      ).toBe("EINVAL");
    expect(vcpu.getOneReg(arm64Reg.pstate)).toBe(before);
    for (const mode of [0n, 4n, 5n]) {
      vcpu.setOneReg(arm64Reg.pstate, 0xf000_03c0n | mode);
      expect(vcpu.getOneReg(arm64Reg.pstate)).toBe(0xf000_03c0n | mode);
    }
  });

  it("EINVAL: another value of a read-only register", () => {
    const midr = vcpu.getOneReg(idOf("MIDR_EL1"));
    expect(errnoOf(() => vcpu.setOneReg(idOf("MIDR_EL1"), midr + 1n))).toBe("EINVAL");
    expect(vcpu.getOneReg(idOf("MIDR_EL1"))).toBe(midr);
  });

  it("EINVAL: another PSCI version", () => {
    expect(vcpu.getOneReg(arm64Reg.psciVersion)).toBe(0x1_0001n);
    expect(errnoOf(() => vcpu.setOneReg(arm64Reg.psciVersion, 2n))).toBe("EINVAL");
  });
});

describe("registers with effects", () => {
  it("SP and SP_EL1 are the two stack pointers, whichever is in use", () => {
    const vcpu = new BareMachine().vcpu();
    for (const pstate of [0n, 4n, 5n]) {
      vcpu.setOneReg(arm64Reg.pstate, pstate);
      vcpu.setOneReg(arm64Reg.sp, 0x100n + pstate);
      vcpu.setOneReg(arm64Reg.spEl1, 0x200n + pstate);
      vcpu.setOneReg(arm64Reg.pstate, 5n - pstate === 5n ? 4n : 0n);
      expect(vcpu.getOneReg(arm64Reg.sp)).toBe(0x100n + pstate);
      expect(vcpu.getOneReg(arm64Reg.spEl1)).toBe(0x200n + pstate);
    }
  });

  it("the timer's count moves it for every vCPU", () => {
    const machine = new BareMachine({ cpus: 2 });
    machine.vcpu(0).setOneReg(idOf("CNTVCT_EL0"), 0x1_0000n);
    expect(machine.vcpu(1).getOneReg(idOf("CNTVCT_EL0"))).toBe(0x1_0000n);
    expect(machine.vcpu(1).getOneReg(idOf("CNTPCT_EL0"))).toBeLessThan(0x1000n);
  });

  it("translation registers take effect in the next run", () => {
    const machine = new BareMachine();
    const vcpu = machine.vcpu();
    expect(vcpu.translate(0x4000_0000n)).toEqual({
      physicalAddress: 0x4000_0000n,
      writeable: true,
      usermode: true,
    });
    vcpu.setOneReg(idOf("TTBR0_EL1"), 0x4010_0000n);
    vcpu.setOneReg(idOf("TCR_EL1"), 16n | (16n << 16n) | (2n << 30n));
    vcpu.setOneReg(idOf("SCTLR_EL1"), vcpu.getOneReg(idOf("SCTLR_EL1")) | 1n);
    expect(vcpu.translate(0x4000_0000n)).toBeUndefined();
  });
});
