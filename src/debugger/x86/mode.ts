import type { Vcpu } from "../../kvm/interface.ts";
import { x86RegisterId } from "../../kvm/x86Registers.ts";

const cr0 = x86RegisterId("cr0");
const efer = x86RegisterId("efer");
const rflags = x86RegisterId("eflags");
const cs = x86RegisterId("cs_attributes");
const ss = x86RegisterId("ss_attributes");

const protection = 1n;
const longModeActive = 0x400n;
const virtual8086 = 0x2_0000n;
const attribute = { l: 0x2000n, db: 0x4000n } as const;

/** What a processor's mode is (Intel SDM volume 3, 2.2), and the width of the code it executes. */
export interface X86Mode {
  readonly name: "real" | "virtual-8086" | "protected" | "compatibility" | "long";
  readonly codeBits: 16 | 32 | 64;
  /** CPL. */
  readonly level: number;
}

/** The mode a vCPU is in. */
export function x86ModeOf(vcpu: Vcpu): X86Mode {
  if ((vcpu.getOneReg(cr0) & protection) === 0n) return { name: "real", codeBits: 16, level: 0 };
  const level = Number((vcpu.getOneReg(ss) >> 5n) & 3n);
  const code = vcpu.getOneReg(cs);
  const isLong = (vcpu.getOneReg(efer) & longModeActive) !== 0n;
  if (isLong && (code & attribute.l) !== 0n) return { name: "long", codeBits: 64, level };
  if ((vcpu.getOneReg(rflags) & virtual8086) !== 0n) return { name: "virtual-8086", codeBits: 16, level };
  const codeBits = (code & attribute.db) !== 0n ? 32 : 16;
  return { name: isLong ? "compatibility" : "protected", codeBits, level };
}
