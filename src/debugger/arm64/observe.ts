import { arm64SystemRegisterId } from "../../kvm/arm64SystemRegisters.ts";
import type { Vcpu } from "../../kvm/interface.ts";
import { arm64Reg } from "../../kvm/oneReg.ts";
import type { Observed } from "../architecture.ts";
import { type Backtrace, unwind } from "../symbols/arm64/unwind.ts";
import type { ReadMemory } from "../symbols/readMemory.ts";
import type { SymbolTable } from "../symbols/symbolTable.ts";

const sctlr = arm64SystemRegisterId("SCTLR_EL1");
const tcr = arm64SystemRegisterId("TCR_EL1");
const vbar = arm64SystemRegisterId("VBAR_EL1");
const elr = arm64Reg.elrEl1;

/** SCTLR_EL1.M: stage 1 translation is on. */
const translationOn = 1n;

/** What a vCPU's registers say of where the kernel is. */
export function observeArm64(vcpu: Vcpu): Observed {
  const get = (id: bigint): bigint => vcpu.getOneReg(id);
  const atEl0 = (get(arm64Reg.pstate) & 0xfn) === 0n;
  const code = [get(arm64Reg.pc), get(arm64Reg.x(30)), get(elr)];
  return {
    translated: (get(sctlr) & translationOn) !== 0n,
    kernel: { vectorBase: get(vbar), codeAddresses: atEl0 ? [] : code },
  };
}

/** TCR_EL1.T0SZ and T1SZ as widths. Arm ARM D17.2.139. */
function widths(vcpu: Vcpu): { readonly kernel: number; readonly user: number } {
  const value = vcpu.getOneReg(tcr);
  const width = (field: bigint): number => (field === 0n ? 48 : 64 - Number(field));
  return { kernel: width((value >> 16n) & 0x3fn), user: width(value & 0x3fn) };
}

/** The call stack of a stopped vCPU. */
export function backtraceArm64(
  vcpu: Vcpu,
  read: ReadMemory,
  symbols: SymbolTable | undefined,
  mostFrames: number | undefined,
): Backtrace {
  const start = {
    pc: vcpu.getOneReg(arm64Reg.pc),
    fp: vcpu.getOneReg(arm64Reg.x(29)),
    lr: vcpu.getOneReg(arm64Reg.x(30)),
  };
  return unwind(start, read, {
    widths: widths(vcpu),
    ...(symbols === undefined ? {} : { symbols }),
    ...(mostFrames === undefined ? {} : { mostFrames }),
  });
}
