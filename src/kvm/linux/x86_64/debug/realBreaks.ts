import type { X86VcpuFile } from "../vcpuFile.ts";
import type { GuestMemory } from "./guestMemory.ts";
import { handlerOf } from "./handlers.ts";
import { vectors } from "./injector.ts";

const int3 = 0xcc;
const frameBytes = 6;

/**
 * INT3 in real mode that an interrupt from outside has led to, so that nobody saw it next: it is executed in the same step, and the
 * guest is at its #BP handler. Puts the vCPU back to it.
 * @param stepFrom lower half of the linear address of the instruction that was stepped: one that was the guest's own is left
 * @returns its linear address; undefined, with nothing changed, when the guest is not there by such an INT3
 */
export function backToRealBreak(
  vcpu: X86VcpuFile,
  memory: GuestMemory,
  stepFrom: number,
): bigint | undefined {
  if (handlerOf(vcpu, vectors.breakpoint, memory) !== vcpu.last.pc) return undefined;
  const sregs = vcpu.getSregs();
  const regs = vcpu.getRegs();
  const sp = regs.rsp & 0xffffn;
  // IP, CS and FLAGS, each of 16 bits (Intel SDM volume 3, 20.1.4).
  const frame = memory.number(sregs.ss.base + sp, frameBytes);
  if (frame === undefined) return undefined;
  const ip = BigInt.asUintN(16, (frame & 0xffffn) - 1n);
  const selector = Number((frame >> 16n) & 0xffffn);
  const base = BigInt(selector << 4);
  const at = base + ip;
  if (memory.byte(at) !== int3 || Number(at) === stepFrom) return undefined;
  vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, selector, base } });
  vcpu.setRegs({
    ...regs,
    rip: ip,
    rsp: regs.rsp - sp + ((sp + BigInt(frameBytes)) & 0xffffn),
    rflags: (regs.rflags & ~0xffffn) | (frame >> 32n),
  });
  return at;
}
