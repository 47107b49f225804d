import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

/** Where the build leaves arm64's interpreter. */
export const prebuiltFile = new URL("../prebuilt/arm64.interpreter", import.meta.url);

/** Compiled code that the interpreter is made from. */
const SOURCES = ["engine", "isa"];

/** A hash over all code that decides what the interpreter is. */
export function fingerprintSources(): string {
  const hash = createHash("sha256");
  for (const folder of SOURCES) {
    const root = new URL(`../${folder}/`, import.meta.url);
    const files = readdirSync(root, { recursive: true, encoding: "utf8" })
      .map((name) => name.replaceAll("\\", "/"))
      .filter((name) => name.endsWith(".js"))
      .sort();
    for (const name of files)
      hash
        .update(name)
        .update("\0")
        .update(readFileSync(new URL(name, root)));
  }
  return hash.digest("hex");
}
