import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Guest, listGuests } from "../../scripts/guests/catalogue.ts";
import { cache, root } from "./paths.ts";

/** Stands in a benchmark's image before the count of its repetitions (`guests/arm64/common/bench.h`): 16 bytes, then 8. */
const MARK = "vmexit-bench-n:\0";

/** Repetitions that make about two thousand million instructions. */
export const fullCounts: ReadonlyMap<string, number> = new Map([
  ["int", 300],
  ["sha256", 600],
  ["mem", 200],
  ["fp", 120],
  ["call", 310],
]);

/**
 * A benchmark's image with another count of repetitions.
 * @param image the ELF file
 * @returns a copy of it
 * @throws RangeError when the image has no such count
 */
export function withIterations(image: Uint8Array, iterations: number): Uint8Array<ArrayBuffer> {
  const at = Buffer.from(image).indexOf(MARK, 0, "latin1");
  if (at < 0) throw new RangeError("the image has no count of iterations: it is no benchmark");
  const copy = new Uint8Array(image);
  new DataView(copy.buffer).setBigUint64(at + MARK.length, BigInt(iterations), true);
  return copy;
}

/** A guest of ours by its folder's name. */
export function findGuest(name: string): Guest {
  const guest = listGuests(join(root, "guests")).find((each) => each.name === name);
  if (guest === undefined) throw new RangeError(`there is no guest ${name}`);
  return guest;
}

/** The benchmark with this many repetitions, as a file that both vmexit and QEMU can be given. */
export function benchGuest(name: string, iterations: number): Guest {
  const guest = findGuest(`bench-${name}`);
  const elf = join(cache, `${guest.name}-${iterations}.elf`);
  mkdirSync(cache, { recursive: true });
  writeFileSync(elf, withIterations(readFileSync(guest.elf), iterations));
  return { ...guest, elf };
}
