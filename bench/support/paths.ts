import { join } from "node:path";

/** The project's root, from compiled code in `.cache/bench/bench/support`. */
export const root = join(import.meta.dirname, "..", "..", "..", "..");

/** Where benchmarks leave their files. */
export const cache = join(root, ".cache", "bench-files");

/** The installed command. */
export const program = join(root, "dist", "cli", "main.js");
