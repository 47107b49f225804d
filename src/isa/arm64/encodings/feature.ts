import type { EncodingEntry } from "../../encoding.ts";

/** Optional parts of A64 that a CPU model may have or lack; the names of the Arm ARM's `FEAT_*`, lower-case. */
export type A64Feature = "fp" | "simd" | "crc32" | "aes" | "sha1" | "sha256" | "pmull" | "lse";

/** A row of an A64 decode table. */
export type A64Entry = EncodingEntry<A64Feature>;
