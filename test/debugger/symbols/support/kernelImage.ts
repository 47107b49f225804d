import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const CACHED = new URL("../../../../.cache/debian-arm64/vmlinuz", import.meta.url).pathname;

/** A real arm64 kernel to test with, and why there is none. */
export interface KernelWitness {
  readonly path: string | undefined;
  readonly skipReason: string;
}

/** The kernel named by VMEXIT_KERNEL_IMAGE, else the one `scripts/fetch-debian-arm64.sh` leaves in `.cache`. */
export function kernelWitness(): KernelWitness {
  const named = process.env["VMEXIT_KERNEL_IMAGE"];
  const path = named ?? CACHED;
  if (existsSync(path)) return { path, skipReason: "" };
  return {
    path: undefined,
    skipReason: `SKIPPED: no kernel at ${path}; set VMEXIT_KERNEL_IMAGE or run scripts/fetch-debian-arm64.sh`,
  };
}

/** The raw `Image`. */
export function readKernelImage(path: string): Uint8Array {
  const bytes = readFileSync(path);
  const image = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  return new Uint8Array(image.buffer, image.byteOffset, image.byteLength);
}
