import { compileEncodings, type Encoding } from "../../encoding.ts";
import { branchesAndSystem } from "./branchesAndSystem.ts";
import { dataProcessingImmediate } from "./dataProcessingImmediate.ts";
import { dataProcessingRegister } from "./dataProcessingRegister.ts";
import type { A64Feature } from "./feature.ts";
import { loadsAndStores } from "./loadsAndStores.ts";

export type { A64Entry, A64Feature } from "./feature.ts";

/** Every A64 instruction form of Armv8.0-A with its optional extensions and the Armv8.1 atomics. */
export const a64Encodings: readonly Encoding<A64Feature>[] = compileEncodings([
  ...dataProcessingImmediate,
  ...branchesAndSystem,
  ...loadsAndStores,
  ...dataProcessingRegister,
]);
