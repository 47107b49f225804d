/** Bytes that are not a raw, decompressed arm64 `Image`. The message says what they are instead, if that shows. */
export class KernelImageError extends Error {
  override readonly name = "KernelImageError";
}
