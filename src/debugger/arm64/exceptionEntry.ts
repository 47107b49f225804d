import { arm64SystemRegisterId } from "../../kvm/arm64SystemRegisters.ts";
import type { Vcpu } from "../../kvm/interface.ts";
import { arm64Reg } from "../../kvm/oneReg.ts";

const vbar = arm64SystemRegisterId("VBAR_EL1");
const esr = arm64SystemRegisterId("ESR_EL1");
const far = arm64SystemRegisterId("FAR_EL1");

/** PSTATE.NZCV is kept; D, A, I and F are set; the level is EL1 with its own stack pointer. Arm ARM D1.3.1. */
const kept = 0xf000_0000n;
const entered = 0x3c5n;

/** Takes a synchronous exception to EL1 at the present instruction, by one-reg: what the hardware does at exception entry. */
export function enterException(vcpu: Vcpu, syndrome: number, faultAddress: bigint | undefined): void {
  const pstate = vcpu.getOneReg(arm64Reg.pstate);
  const mode = pstate & 0xfn;
  // Arm ARM D1.3.1.5: the vector's group by where the exception comes from.
  const group = mode === 0n ? 0x400n : mode === 4n ? 0x000n : 0x200n;
  vcpu.setOneReg(arm64Reg.spsr(0), pstate);
  vcpu.setOneReg(arm64Reg.elrEl1, vcpu.getOneReg(arm64Reg.pc));
  vcpu.setOneReg(esr, BigInt(syndrome));
  if (faultAddress !== undefined) vcpu.setOneReg(far, faultAddress);
  vcpu.setOneReg(arm64Reg.pstate, (pstate & kept) | entered);
  vcpu.setOneReg(arm64Reg.pc, BigInt.asUintN(64, vcpu.getOneReg(vbar) + group));
}
