import type { InstructionSet } from "./operation.ts";
import type { ModuleWriter } from "./wasm/module.ts";
import type { Signature } from "./wasm/types.ts";

/**
 * What every generated module imports besides the instruction set's own host calls.
 * `loadSlow(va, access) → bits` and `storeSlow(va, access, low, high)`: an access the TLB does not answer; bits 127:64 of a
 * 16-byte load go through `engineState.wideHigh`. They set `engineState.status` to abandon the instruction.
 */
export const engineImports = {
  loadSlow: { params: ["i64", "i32"], result: "i64" },
  storeSlow: { params: ["i64", "i32", "i64", "i64"] },
  /** Translates a fetch: the records of the page that holds the address, 0 when it faults. */
  fetch: { params: ["i64"], result: "i32" },
  /** Decodes the record at this address. */
  decode: { params: ["i32"] },
  /** Control has got to this record by jumps as often as `engineWords.heat` says. */
  hot: { params: ["i32"] },
  /** `manyCrossings` times control went from region to region within the page whose records begin here. */
  crossed: { params: ["i32"] },
  /** `manyApart` times a region of the page whose records begin here was left as `regionExit.apart`. */
  apart: { params: ["i32"] },
  /** A marked record was reached: the handler to run instead, −1 to leave without executing it. */
  marked: { params: ["i32"], result: "i32" },
} as const satisfies Record<string, Signature>;

export type EngineImport = keyof typeof engineImports;

/** Declares all imports on a module; returns the index of each by name. */
export function declareImports(module: ModuleWriter, set: InstructionSet): ReadonlyMap<string, number> {
  const indexes = new Map<string, number>();
  for (const [name, signature] of Object.entries<Signature>({ ...engineImports, ...set.hostCalls })) {
    indexes.set(name, module.importFunction(name, signature));
  }
  return indexes;
}
