import type { X86Sregs } from "../../kvm/linux/uapi/x86_64/records.ts";
import { longMode, protectedMode, realMode } from "../../kvm/x86Modes.ts";
import type { X86Vcpu } from "../../kvm/x86Vcpu.ts";
import { BOOT_MAP } from "../../machine/board/x86PcMap.ts";
import { BOOT_GDT_LIMIT, BOOT_SELECTORS } from "../../machine/boot/x86/plan.ts";
import type { X86Entry } from "../../machine/boot/x86/protocol.ts";

/** RFLAGS after reset: interrupts off. */
const FLAGS = 2n;

const gdt = { base: BOOT_MAP.gdt, limit: BOOT_GDT_LIMIT };

function sregsOf({ mode }: X86Entry, reset: X86Sregs): X86Sregs {
  const { code, data } = BOOT_SELECTORS;
  switch (mode) {
    case "reset":
      return reset;
    case "real":
      return realMode(reset);
    case "protected":
      return protectedMode(reset, { gdt, selectors: { code, data } });
    case "long":
      return longMode(reset, BOOT_MAP.pageTables, { gdt, selectors: { code, data } });
  }
}

/** Puts a vCPU that is as after reset at the guest's first instruction. */
export function enterX86(vcpu: X86Vcpu, entry: X86Entry): void {
  if (entry.mode === "reset") return;
  vcpu.setSregs(sregsOf(entry, vcpu.getSregs()));
  vcpu.setRegs({ ...vcpu.getRegs(), rdx: 0n, rflags: FLAGS, ...entry.registers });
}
