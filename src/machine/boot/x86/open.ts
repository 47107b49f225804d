import { gunzip } from "../open.ts";
import { hasMagic } from "../signatures.ts";

/**
 * The bytes of an x86 guest, unpacked if they are in gzip.
 * @param limit the most bytes it may unpack to: the guest's memory
 * @throws BootImageError if the compressed data is damaged or unpacks to more
 */
export function openX86Image(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  return isPacked(bytes) ? gunzip(bytes, "gzip", limit) : Promise.resolve(bytes);
}

/** Whether the bytes are compressed in a way that is known. */
export const isPacked = (bytes: Uint8Array): boolean => hasMagic(bytes, 0, [0x1f, 0x8b]);
