import type { Definition } from "../define.ts";
import { byElement } from "./byElement.ts";
import { compares } from "./compare.ts";
import { moves } from "./moves.ts";
import { scalar } from "./scalar.ts";
import { vectors } from "./vector.ts";

/** Floating point: the scalar instructions, and Advanced SIMD on floats. */
export const floatingPoint: readonly Definition[] = [
  ...byElement,
  ...compares,
  ...moves,
  ...scalar,
  ...vectors,
];
