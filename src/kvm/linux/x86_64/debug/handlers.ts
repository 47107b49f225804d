import type { X86VcpuFile } from "../vcpuFile.ts";

/** Reads guest-physical memory. @throws KvmError EFAULT */
export type ReadPhysical = (address: bigint, length: number) => Uint8Array;

const longModeActive = 0x400n;
const protectionEnable = 1n;

/**
 * The linear address at which the guest handles an interrupt, by its interrupt table: gates of long mode and protected mode
 * (Intel SDM volume 3, 6.11 and 6.14.1), vectors of real mode (20.1.4). Undefined where the table cannot be read, and for
 * task gates.
 */
export function handlerOf(vcpu: X86VcpuFile, vector: number, read: ReadPhysical): bigint | undefined {
  const { idt, cr0, efer } = vcpu.getSregs();
  const bytes = (address: bigint, length: number): DataView | undefined => {
    const physical = vcpu.translate(address)?.physicalAddress;
    if (physical === undefined) return undefined;
    try {
      return new DataView(read(physical, length).buffer);
    } catch {
      return undefined;
    }
  };
  if ((cr0 & protectionEnable) === 0n) {
    const entry = bytes(idt.base + BigInt(4 * vector), 4);
    return entry && BigInt(entry.getUint16(0, true) + 16 * entry.getUint16(2, true));
  }
  if ((efer & longModeActive) !== 0n) {
    const gate = bytes(idt.base + BigInt(16 * vector), 16);
    if (gate === undefined) return undefined;
    const low = BigInt(gate.getUint16(0, true)) | (BigInt(gate.getUint16(6, true)) << 16n);
    return low | (BigInt(gate.getUint32(8, true)) << 32n);
  }
  const gate = bytes(idt.base + BigInt(8 * vector), 8);
  const isTaskGate = gate !== undefined && (gate.getUint8(5) & 0xf) === 5;
  if (gate === undefined || isTaskGate) return undefined;
  return BigInt(gate.getUint16(0, true)) | (BigInt(gate.getUint16(6, true)) << 16n);
}
