import type { AddressRange } from "../../address.ts";
import { PC_MAP } from "../../board/x86PcMap.ts";

/** Types of INT 15h, E820, which PVH and Multiboot share. */
const TYPE = { ram: 1, reserved: 2, acpi: 3 } as const;

/** A stretch of the physical address space. */
export interface MemoryMapEntry {
  readonly base: bigint;
  readonly size: bigint;
  readonly type: number;
}

/** What the guest is told of its memory. */
export function pcMemoryMap({ size }: AddressRange): readonly MemoryMapEntry[] {
  const { lowMemoryEnd, highMemory, acpi, acpiEnd } = PC_MAP;
  return [
    { base: 0n, size: lowMemoryEnd, type: TYPE.ram },
    { base: lowMemoryEnd, size: 0xa_0000n - lowMemoryEnd, type: TYPE.reserved },
    { base: acpi, size: acpiEnd - acpi, type: TYPE.acpi },
    { base: acpiEnd, size: highMemory - acpiEnd, type: TYPE.reserved },
    ...(size > highMemory ? [{ base: highMemory, size: size - highMemory, type: TYPE.ram }] : []),
  ];
}
