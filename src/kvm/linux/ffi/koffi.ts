import { createRequire } from "node:module";
import { SubstrateError } from "../errors.ts";

/** A C function as JavaScript calls it; every argument and result of ours is a number or a string. */
export type NativeFunction = (...values: readonly (number | string)[]) => number;

/** What we use of koffi; declared here because the package is optional, and the project builds without it. */
export interface Koffi {
  load(path: string): {
    func(name: string, result: string, parameters: readonly string[]): NativeFunction;
  };
  /** The `errno` that the last call of this thread left. */
  errno(): number;
  /** The memory at an address as an ArrayBuffer, without a copy. */
  view(address: bigint, length: number): ArrayBuffer;
}

/** Loads the foreign-function package, only now. @throws SubstrateError when it is not installed or has no build for this host. */
export function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch (error) {
    throw new SubstrateError(
      `the linux substrate calls the kernel through the package koffi, which cannot be loaded here ` +
        `(${firstLine(error)}); npm install koffi, or use the embedded substrate`,
    );
  }
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
