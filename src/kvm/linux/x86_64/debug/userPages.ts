import type { X86VcpuFile } from "../vcpuFile.ts";
import type { GuestMemory } from "./guestMemory.ts";

const pagingEnable = 0x8000_0000n;
const longModeActive = 0x400n;
const addressBits = 0x000f_ffff_ffff_f000n;
const fiveLevels = 0x1000n;
/** Page table entries: present, user, page size (Intel SDM volume 3, 4.5). */
const present = 1n;
const user = 4n;
const large = 0x80n;

/**
 * Whether user mode may execute at an address, by the guest's page tables of 64-bit mode; where nothing is mapped, whether it is in
 * the lower half, where user mode is. Never outside of 64-bit mode. KVM_TRANSLATE does not tell.
 */
export function isUserPage(address: bigint, vcpu: X86VcpuFile, memory: PhysicalWords): boolean {
  const { cr0, cr3, cr4, efer } = vcpu.getSregs();
  if ((cr0 & pagingEnable) === 0n || (efer & longModeActive) === 0n) return false;
  let table = cr3 & addressBits;
  for (let shift = (cr4 & fiveLevels) !== 0n ? 48n : 39n; shift >= 12n; shift -= 9n) {
    const entry = memory.physicalNumber(table + 8n * ((address >> shift) & 0x1ffn), 8) ?? 0n;
    if ((entry & present) === 0n) return address >> 47n === 0n;
    if ((entry & user) === 0n) return false;
    if ((entry & large) !== 0n) return true;
    table = entry & addressBits;
  }
  return true;
}

/** Guest-physical memory. */
export type PhysicalWords = Pick<GuestMemory, "physicalNumber">;
