import type { Access } from "./ir/node.ts";

/**
 * An access packed into an i32 for the slow-path calls: bytes in 4:0, log2(element) in 7:5, then one bit each for write,
 * mustAlign, unprivileged and willWrite.
 */
export function packAccess(access: Access): number {
  return (
    access.bytes |
    (Math.log2(access.element) << 5) |
    (Number(access.write) << 8) |
    (Number(access.mustAlign) << 9) |
    (Number(access.unprivileged) << 10) |
    (Number(access.willWrite) << 11)
  );
}

/** The inverse of `packAccess`. */
export function unpackAccess(packed: number): Access {
  return {
    bytes: packed & 31,
    element: 1 << ((packed >> 5) & 7),
    write: (packed & 0x100) !== 0,
    mustAlign: (packed & 0x200) !== 0,
    unprivileged: (packed & 0x400) !== 0,
    willWrite: (packed & 0x800) !== 0,
  };
}
