import { guestPhysical } from "../../address.ts";
import { BOOT_MAP } from "../../board/x86PcMap.ts";
import { BootLayoutError } from "../bootError.ts";
import type { BootPiece } from "../bootPlan.ts";

/** A piece that is known to fit its place. */
export function piece(what: string, address: bigint, bytes: Uint8Array): BootPiece {
  return { what, address: guestPhysical(address), bytes, size: BigInt(bytes.length), zeroed: false };
}

/** The command line with its zero, `most` bytes at most. @throws BootLayoutError if it is too long */
export function commandLinePiece(
  text: string,
  most: number = BOOT_MAP.commandLineBytes,
  address: bigint = BOOT_MAP.commandLine,
): BootPiece {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const room = Math.min(most, BOOT_MAP.commandLineBytes);
  if (bytes.length > room)
    throw new BootLayoutError(`the command line has ${bytes.length - 1} bytes; this guest takes ${room - 1}`);
  return piece("command line", address, bytes);
}
