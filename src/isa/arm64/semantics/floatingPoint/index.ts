import type { Definition } from "../define.ts";
import { compares } from "./compare.ts";
import { moves } from "./moves.ts";
import { scalar } from "./scalar.ts";

/** Floating point: the scalar instructions, and Advanced SIMD on floats. */
export const floatingPoint: readonly Definition[] = [...compares, ...moves, ...scalar];
