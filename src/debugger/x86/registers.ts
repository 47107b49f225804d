import { x86Registers } from "../../kvm/x86Registers.ts";
import type { RegisterAccess } from "../architecture.ts";
import { oneRegAccess } from "../oneRegAccess.ts";

const all = x86Registers.map(oneRegAccess);
const linearPc = all.find(({ name }) => name === "linear_pc");

/**
 * Every register of an x86 vCPU, as gdb names them where it has them. `pc` is the linear address of the next instruction, `rip` what
 * the register holds: outside of 64-bit code the base of CS is between them.
 */
export const x86DebugRegisters: ReadonlyMap<string, RegisterAccess> = new Map([
  ...all.filter((each) => each !== linearPc).map((each): [string, RegisterAccess] => [each.name, each]),
  ...(linearPc === undefined
    ? []
    : [["pc", { ...linearPc, name: "pc", group: "general" }] satisfies [string, RegisterAccess]]),
]);
