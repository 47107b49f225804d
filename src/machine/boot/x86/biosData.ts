import { BOOT_MAP, PC_MAP, PC_PORTS } from "../../board/x86PcMap.ts";
import type { BootPiece } from "../bootPlan.ts";
import { piece } from "./pieces.ts";

/** Fields of the BIOS data area, by offset (IBM PS/2 and PC BIOS Interface Technical Reference, section 3). */
const FIELD = { SERIAL_PORT: 0, EXTENDED_AREA: 0xe, BASE_MEMORY: 0x13 } as const;
const BYTES = 0x100;

/**
 * What kernels look for in a BIOS's memory, though there is none: where the extended data area is, which low memory ends with, how
 * many KiB that is, and the serial port. Left out where the guest's own pieces go there.
 */
export function biosData(taken: readonly BootPiece[]): readonly BootPiece[] {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(FIELD.SERIAL_PORT, PC_PORTS.serial, true);
  view.setUint16(FIELD.EXTENDED_AREA, Number(PC_MAP.lowMemoryEnd >> 4n), true);
  view.setUint16(FIELD.BASE_MEMORY, Number(PC_MAP.lowMemoryEnd >> 10n), true);
  const extended = Uint8Array.of(1);
  return [
    piece("BIOS data area", BOOT_MAP.biosData, bytes),
    // Its first byte tells its KiB.
    piece("extended BIOS data area", PC_MAP.lowMemoryEnd, extended),
  ].filter(({ address, size }) =>
    taken.every((other) => other.address + other.size <= address || address + size <= other.address),
  );
}
