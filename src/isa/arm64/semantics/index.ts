import { addSubtractImmediate } from "./addSubtractImmediate.ts";
import type { Definition } from "./define.ts";

/** What every A64 instruction does, in no particular order. */
export const a64Definitions: readonly Definition[] = [...addSubtractImmediate];
