import { atomicCases } from "./atomicCases.ts";
import { baseCases } from "./baseCases.ts";
import {
  floatConversionCases,
  floatRoundingCases,
  floatScalarCases,
  floatVectorCases,
} from "./floatCases.ts";
import type { DifferentialSpec } from "./harness.ts";
import { loadStoreCases } from "./loadStoreCases.ts";
import { systemCases } from "./systemCases.ts";
import { systemStatements } from "./systemStatements.ts";
import { structureCases, vectorCases } from "./vectorCases.ts";

/** All forms that are compared with Unicorn: what the fuzzer draws from and the coverage report counts. */
export const differentialCases: readonly DifferentialSpec[] = [
  ...baseCases,
  ...loadStoreCases,
  ...atomicCases,
  ...systemCases,
  ...vectorCases,
  ...structureCases,
  ...floatScalarCases,
  ...floatConversionCases,
  ...floatVectorCases,
  ...floatRoundingCases,
];

/** Words whose effect is stated by a test because no witness has it. */
export const statedWords: readonly number[] = systemStatements.map(({ word }) => word);
