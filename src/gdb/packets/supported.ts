import type { PacketCursor } from "./cursor.ts";

/** What one side says of a feature in `qSupported`: yes, no, or a value. */
export type FeatureValue = boolean | string;

/** Parses what follows `qSupported`: `:name+;name-;name=value…`. Unknown forms are skipped, as gdb asks. */
export function parseSupported(packet: PacketCursor): ReadonlyMap<string, FeatureValue> {
  const features = new Map<string, FeatureValue>();
  packet.accept(":");
  while (!packet.done) {
    const word = packet.until(";");
    const equals = word.indexOf("=");
    if (equals > 0) features.set(word.slice(0, equals), word.slice(equals + 1));
    else if (word.endsWith("+")) features.set(word.slice(0, -1), true);
    else if (word.endsWith("-")) features.set(word.slice(0, -1), false);
  }
  return features;
}

/** The reply to `qSupported`. */
export function formatSupported(features: ReadonlyMap<string, FeatureValue>): string {
  const words: string[] = [];
  for (const [name, value] of features) {
    words.push(typeof value === "string" ? `${name}=${value}` : `${name}${value ? "+" : "-"}`);
  }
  return words.join(";");
}
