/** Present, writable; and for the last level a page of 2 MiB (Intel SDM volume 3, 4.5). */
const TABLE = 0x3n;
const LARGE_PAGE = 0x83n;
const USER = 0x4n;

/**
 * Page tables that map guest-physical memory onto itself with pages of 2 MiB.
 * @param at where they go, a multiple of 4096; they take 2 + ⌈bytes / 1 GiB⌉ pages
 * @param bytes how much to map, from 0 on
 * @param userMay whether user mode may use it too
 * @returns their bytes; CR3 is `at`
 */
export function identityMap(at: bigint, bytes: bigint, userMay = false): Uint8Array {
  const largePages = Number((bytes + 0x1f_ffffn) / 0x20_0000n);
  const directories = Math.ceil(largePages / 512);
  const tables = new BigUint64Array(512 * (2 + directories));
  const right = userMay ? USER : 0n;
  tables[0] = (at + 0x1000n) | TABLE | right;
  for (let i = 0; i < directories; i++) tables[512 + i] = (at + 0x1000n * BigInt(2 + i)) | TABLE | right;
  for (let i = 0; i < largePages; i++) tables[1024 + i] = (BigInt(i) * 0x20_0000n) | LARGE_PAGE | right;
  return new Uint8Array(tables.buffer);
}
