import { compileEncodings, type Encoding } from "../../encoding.ts";
import { advancedSimdByElement } from "./advancedSimdByElement.ts";
import { advancedSimdLoadStore } from "./advancedSimdLoadStore.ts";
import { advancedSimdMoves } from "./advancedSimdMoves.ts";
import { advancedSimdScalar } from "./advancedSimdScalar.ts";
import { advancedSimdShift } from "./advancedSimdShift.ts";
import { advancedSimdThreeDifferent } from "./advancedSimdThreeDifferent.ts";
import { advancedSimdThreeSame } from "./advancedSimdThreeSame.ts";
import { advancedSimdTwoRegister } from "./advancedSimdTwoRegister.ts";
import { branchesAndSystem } from "./branchesAndSystem.ts";
import { cryptography } from "./cryptography.ts";
import { dataProcessingImmediate } from "./dataProcessingImmediate.ts";
import { dataProcessingRegister } from "./dataProcessingRegister.ts";
import type { A64Feature } from "./feature.ts";
import { floatingPoint } from "./floatingPoint.ts";
import { loadsAndStores } from "./loadsAndStores.ts";

export type { A64Entry, A64Feature } from "./feature.ts";

/** Every A64 instruction form of Armv8.0-A with its optional extensions and the Armv8.1 atomics. */
export const a64Encodings: readonly Encoding<A64Feature>[] = compileEncodings([
  ...dataProcessingImmediate,
  ...branchesAndSystem,
  ...loadsAndStores,
  ...advancedSimdLoadStore,
  ...dataProcessingRegister,
  ...floatingPoint,
  ...advancedSimdThreeSame,
  ...advancedSimdThreeDifferent,
  ...advancedSimdTwoRegister,
  ...advancedSimdMoves,
  ...advancedSimdByElement,
  ...advancedSimdShift,
  ...advancedSimdScalar,
  ...cryptography,
]);
