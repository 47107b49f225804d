import type { Arm64Cpu } from "../../../cpu/arm64/cpu.ts";
import { systemRegisterSpelling } from "../../../cpu/arm64/systemRegisters/row.ts";
import { registerByKey, systemRegisters } from "../../../cpu/arm64/systemRegisters/table.ts";
import { KvmError } from "../../errors.ts";
import { type Arm64RegisterName, arm64Reg, parseArm64Reg } from "../../oneReg.ts";

const psciVersion = 0x1_0001n;

function parse(id: bigint): Arm64RegisterName {
  const name = parseArm64Reg(id);
  if (name === undefined) throw new KvmError("ENOENT", `no register has the id 0x${id.toString(16)}`);
  return name;
}

/** `KVM_GET_ONE_REG`. @throws KvmError ENOENT. */
export function getRegister(cpu: Arm64Cpu, id: bigint): bigint {
  const name = parse(id);
  const { registers, system } = cpu;
  switch (name.kind) {
    case "x":
      return registers.x(name.n);
    case "v":
      return registers.v(name.n).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    case "sp":
      return registers.spEl0;
    case "spEl1":
      return registers.spEl1;
    case "pc":
      return registers.pc;
    case "pstate":
      return BigInt(registers.pstate);
    case "elrEl1":
      return system.raw("ELR_EL1");
    case "spsr":
      return name.n === 0 ? system.raw("SPSR_EL1") : registers.bankedSpsr(name.n - 1);
    case "fpsr":
      return system.get("FPSR");
    case "fpcr":
      return system.get("FPCR");
    case "psciVersion":
      return psciVersion;
    case "sysreg": {
      const value = system.getByKey(name.key);
      if (value === undefined) throw new KvmError("ENOENT", `no register has the id 0x${id.toString(16)}`);
      return value;
    }
  }
}

/** `KVM_SET_ONE_REG`. @throws KvmError ENOENT; EINVAL for a value the register cannot take. */
export function setRegister(cpu: Arm64Cpu, id: bigint, value: bigint): void {
  const name = parse(id);
  const { registers, system } = cpu;
  switch (name.kind) {
    case "x":
      registers.setX(name.n, value);
      break;
    case "v":
      registers.v(name.n).set(Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn)));
      break;
    case "sp":
      registers.spEl0 = value;
      break;
    case "spEl1":
      registers.spEl1 = value;
      break;
    case "pc":
      registers.pc = value;
      break;
    case "pstate": {
      const mode = Number(value & 0x1fn);
      if (mode !== 0 && mode !== 4 && mode !== 5)
        throw new KvmError("EINVAL", `PSTATE mode 0x${mode.toString(16)} is not one of EL0t, EL1t, EL1h`);
      registers.pstate = Number(BigInt.asUintN(32, value));
      break;
    }
    case "elrEl1":
      system.setRaw("ELR_EL1", value);
      break;
    case "spsr":
      if (name.n === 0) system.setRaw("SPSR_EL1", value);
      else registers.setBankedSpsr(name.n - 1, value);
      break;
    case "fpsr":
      system.set("FPSR", value);
      break;
    case "fpcr":
      system.set("FPCR", value);
      break;
    case "psciVersion":
      // The guest is offered one version only.
      if (value !== psciVersion)
        throw new KvmError("EINVAL", `PSCI version 0x${value.toString(16)} is not available`);
      break;
    case "sysreg":
      setSystemRegister(cpu, name.key, value);
      break;
  }
}

function setSystemRegister(cpu: Arm64Cpu, key: number, value: bigint): void {
  const { system } = cpu;
  const row = registerByKey(key)?.row;
  if (row?.name === "CNTVCT_EL0") {
    cpu.timers.setVirtualCount(BigInt.asUintN(64, value));
    return;
  }
  if (row !== undefined && words.has(row.name)) {
    // Bits that writes by the guest only set or only clear.
    system.setRaw(row.name, value & row.writable);
    cpu.performance.controlsChanged();
    return;
  }
  if (row?.name === "OSLSR_EL1" && ((value ^ system.raw("OSLSR_EL1")) & ~2n) === 0n) {
    system.set("OSLAR_EL1", (value >> 1n) & 1n);
    return;
  }
  if (row?.access === "ro") {
    if (system.get(row.name) !== value)
      throw new KvmError("EINVAL", `${row.name} is read-only: it cannot become 0x${value.toString(16)}`);
    return;
  }
  if (!system.setByKey(key, value)) {
    const name = row?.name ?? systemRegisterSpelling(key);
    throw new KvmError("ENOENT", `there is no system register ${name}`);
  }
}

/** Registers that a write by userspace replaces, although a write by the guest does not. */
const words: ReadonlySet<string> = new Set([
  "PMCNTENSET_EL0",
  "PMINTENSET_EL1",
  "PMOVSSET_EL0",
  "DBGCLAIMCLR_EL1",
]);

/** System registers that show state which other ids have, or that are instructions rather than state. */
const views: ReadonlySet<string> = new Set([
  ...["SP_EL0", "ELR_EL1", "SPSR_EL1", "SPSel", "CurrentEL", "NZCV", "DAIF", "FPCR", "FPSR", "ISR_EL1"],
  ...["CNTPCT_EL0", "CNTP_TVAL_EL0", "CNTV_TVAL_EL0", "CCSIDR_EL1"],
  ...["PMINTENCLR_EL1", "PMCNTENCLR_EL0", "PMOVSCLR_EL0", "PMXEVTYPER_EL0", "PMXEVCNTR_EL0", "PMSWINC_EL0"],
  ...["OSLAR_EL1", "DBGCLAIMSET_EL1"],
]);

/** `KVM_GET_REG_LIST`: what a vCPU's state consists of. */
export function registerIds(): readonly bigint[] {
  const numbered = (count: number, id: (n: number) => bigint): bigint[] =>
    Array.from({ length: count }, (_, n) => id(n));
  return [
    ...numbered(31, arm64Reg.x),
    arm64Reg.sp,
    arm64Reg.pc,
    arm64Reg.pstate,
    arm64Reg.spEl1,
    arm64Reg.elrEl1,
    ...numbered(5, arm64Reg.spsr),
    ...numbered(32, arm64Reg.v),
    arm64Reg.fpsr,
    arm64Reg.fpcr,
    arm64Reg.psciVersion,
    ...systemRegisters.filter((row) => !views.has(row.name)).map((row) => arm64Reg.sysreg(row.key)),
  ];
}
