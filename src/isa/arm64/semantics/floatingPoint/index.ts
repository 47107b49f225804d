import type { Definition } from "../define.ts";
import { betweenFormats } from "./betweenFormats.ts";
import { byElement } from "./byElement.ts";
import { compares } from "./compare.ts";
import { fromInteger } from "./fromInteger.ts";
import { moves } from "./moves.ts";
import { scalar } from "./scalar.ts";
import { toInteger } from "./toInteger.ts";
import { vectors } from "./vector.ts";

/** Floating point: the scalar instructions, and Advanced SIMD on floats. */
export const floatingPoint: readonly Definition[] = [
  ...betweenFormats,
  ...byElement,
  ...compares,
  ...fromInteger,
  ...moves,
  ...scalar,
  ...toInteger,
  ...vectors,
];
