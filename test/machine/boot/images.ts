import { gzipSync } from "node:zlib";

/** Builders of small guest images for tests. */

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function gzip(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(gzipSync(bytes));
}

/** An arm64 Image of `length` bytes with the header fields given. */
export function arm64Image(
  fields: { length?: number; textOffset?: bigint; imageSize?: bigint; flags?: bigint; efi?: boolean } = {},
): Uint8Array {
  const bytes = new Uint8Array(fields.length ?? 4096).fill(0x5a);
  const view = new DataView(bytes.buffer);
  bytes.fill(0, 0, 64);
  if (fields.efi) view.setUint16(0, 0x5a4d, true);
  view.setBigUint64(8, fields.textOffset ?? 0n, true);
  view.setBigUint64(16, fields.imageSize ?? 0x1_0000n, true);
  view.setBigUint64(24, fields.flags ?? 0xan, true);
  view.setUint32(56, 0x644d_5241, true);
  return bytes;
}

/** An EFI zboot image around a payload. */
export function efiZboot(payload: Uint8Array, compression = "gzip"): Uint8Array {
  const bytes = new Uint8Array(128 + payload.length + 8);
  const view = new DataView(bytes.buffer);
  bytes.set(text("MZ"), 0);
  bytes.set(text("zimg"), 4);
  view.setUint32(8, 128, true);
  view.setUint32(12, payload.length, true);
  bytes.set(text(compression), 24);
  bytes.set(payload, 128);
  return bytes;
}

export interface Segment {
  readonly physical: bigint;
  readonly virtual?: bigint;
  readonly bytes: Uint8Array;
  readonly memorySize?: bigint;
  readonly flags?: number;
}

/** An ELF64 executable for AArch64. */
export function elf(entry: bigint, segments: readonly Segment[]): Uint8Array {
  const tableEnd = 64 + segments.length * 56;
  const bytes = new Uint8Array(segments.reduce((sum, s) => sum + s.bytes.length, tableEnd));
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  view.setUint16(16, 2, true);
  view.setUint16(18, 183, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, entry, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, segments.length, true);
  let at = tableEnd;
  for (const [index, segment] of segments.entries()) {
    const header = 64 + index * 56;
    view.setUint32(header, 1, true);
    view.setUint32(header + 4, segment.flags ?? 5, true);
    view.setBigUint64(header + 8, BigInt(at), true);
    view.setBigUint64(header + 16, segment.virtual ?? segment.physical, true);
    view.setBigUint64(header + 24, segment.physical, true);
    view.setBigUint64(header + 32, BigInt(segment.bytes.length), true);
    view.setBigUint64(header + 40, segment.memorySize ?? BigInt(segment.bytes.length), true);
    bytes.set(segment.bytes, at);
    at += segment.bytes.length;
  }
  return bytes;
}

/** A copy of `bytes` with `value` written at `offset`. */
export function patched(bytes: Uint8Array, offset: number, ...value: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(value, offset);
  return copy;
}
