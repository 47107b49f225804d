import type { X86VcpuFile } from "../vcpuFile.ts";
import type { GuestMemory } from "./guestMemory.ts";

const longModeActive = 0x400n;
const protectionEnable = 1n;
const present = 0x80;
const taskGate = 5;

/**
 * The linear addresses at which the guest handles interrupts, by its interrupt table: gates of long mode and protected mode
 * (Intel SDM volume 3, 6.11 and 6.14.1), vectors of real mode (20.1.4). Undefined where the table cannot be read or
 * has none, and for task gates.
 */
export function handlersOf(
  vcpu: X86VcpuFile,
  vectors: readonly number[],
  memory: GuestMemory,
): readonly (bigint | undefined)[] {
  const { idt, cr0, efer } = vcpu.getSregs();
  const isReal = (cr0 & protectionEnable) === 0n;
  const isLong = (efer & longModeActive) !== 0n;
  return vectors.map((vector) => {
    const size = isReal ? 4 : isLong ? 16 : 8;
    if (!isReal && size * (vector + 1) - 1 > idt.limit) return undefined;
    const bytes = memory.bytes(idt.base + BigInt(size * vector), size);
    if (bytes.length < size) return undefined;
    const gate = new DataView(Uint8Array.from(bytes).buffer);
    if (isReal) return BigInt(gate.getUint16(0, true) + 16 * gate.getUint16(2, true));
    const kind = gate.getUint8(5);
    if ((kind & present) === 0) return undefined;
    const low = BigInt(gate.getUint16(0, true)) | (BigInt(gate.getUint16(6, true)) << 16n);
    if (isLong) return low | (BigInt(gate.getUint32(8, true)) << 32n);
    return (kind & 0xf) === taskGate ? undefined : low;
  });
}

/** One of them. */
export const handlerOf = (vcpu: X86VcpuFile, vector: number, memory: GuestMemory): bigint | undefined =>
  handlersOf(vcpu, [vector], memory)[0];
