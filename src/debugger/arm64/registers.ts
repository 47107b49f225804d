import { arm64SystemRegisters } from "../../kvm/arm64SystemRegisters.ts";
import type { Vcpu } from "../../kvm/interface.ts";
import { arm64Reg } from "../../kvm/oneReg.ts";
import type { RegisterAccess } from "../architecture.ts";
import { oneRegAccess } from "../oneRegAccess.ts";

type Group = RegisterAccess["group"];

function oneReg(name: string, id: bigint, bits: 32 | 64 | 128, group: Group): RegisterAccess {
  return oneRegAccess({ name, id, bits, group });
}

/** The stack pointer in use: SP_EL1 at EL1 with SPSel set (PSTATE.M = EL1h), else SP_EL0. Arm ARM D1.6.2. */
function stackPointer(vcpu: Vcpu): bigint {
  return (vcpu.getOneReg(arm64Reg.pstate) & 0x1fn) === 5n ? arm64Reg.spEl1 : arm64Reg.sp;
}

const sp: RegisterAccess = {
  name: "sp",
  bits: 64,
  group: "general",
  read: (vcpu) => vcpu.getOneReg(stackPointer(vcpu)),
  write: (vcpu, value) => vcpu.setOneReg(stackPointer(vcpu), value),
};

const numbered = (count: number, make: (n: number) => RegisterAccess): RegisterAccess[] =>
  Array.from({ length: count }, (_, n) => make(n));

/** Every register of an arm64 vCPU: as assembly names them, system registers in capitals. */
export const arm64Registers: ReadonlyMap<string, RegisterAccess> = new Map(
  [
    ...numbered(31, (n) => oneReg(`x${n}`, arm64Reg.x(n), 64, "general")),
    sp,
    oneReg("pc", arm64Reg.pc, 64, "general"),
    oneReg("cpsr", arm64Reg.pstate, 32, "general"),
    ...numbered(32, (n) => oneReg(`v${n}`, arm64Reg.v(n), 128, "vector")),
    oneReg("fpsr", arm64Reg.fpsr, 32, "vector"),
    oneReg("fpcr", arm64Reg.fpcr, 32, "vector"),
    ...arm64SystemRegisters.map(({ name, id }) => oneReg(name, id, 64, "system")),
    oneReg("SP_EL1", arm64Reg.spEl1, 64, "system"),
  ].map((register) => [register.name, register]),
);
