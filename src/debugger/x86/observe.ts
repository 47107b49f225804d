import type { Vcpu } from "../../kvm/interface.ts";
import { x86RegisterId } from "../../kvm/x86Registers.ts";
import type { Observed } from "../architecture.ts";

const pc = x86RegisterId("linear_pc");
const cr0 = x86RegisterId("cr0");
const ss = x86RegisterId("ss_attributes");
const lstar = x86RegisterId("lstar");

/** CR0.PG: paging is on. */
const paging = 1n << 31n;

/** What a vCPU's registers say of where the kernel is: SYSCALL's entry point is in its text. */
export function observeX86(vcpu: Vcpu): Observed {
  const isUser = ((vcpu.getOneReg(ss) >> 5n) & 3n) === 3n;
  const entry = vcpu.getOneReg(lstar);
  return {
    translated: (vcpu.getOneReg(cr0) & paging) !== 0n,
    kernel: {
      codeAddresses: [...(entry === 0n ? [] : [entry]), ...(isUser ? [] : [vcpu.getOneReg(pc)])],
    },
  };
}
