import type { OperandRenderer } from "../../assembly.ts";
import { generalRegister } from "./generalRegisters.ts";
import { immediates } from "./immediates.ts";
import { memoryOperands } from "./memoryOperands.ts";
import { systemOperands } from "./systemOperands.ts";
import { vectorRegister } from "./vectorRegisters.ts";

const named = new Map(Object.entries({ ...immediates, ...memoryOperands, ...systemOperands }));

/** The renderer of a token of the A64 assembly templates, `undefined` when there is none of that name. */
export function resolveOperand(token: string): OperandRenderer | undefined {
  return named.get(token) ?? generalRegister(token) ?? vectorRegister(token);
}
