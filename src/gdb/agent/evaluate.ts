import { type AgentContext, AgentFault, AgentMachine } from "./machine.ts";
import { AGENT_OPCODES } from "./opcodes.ts";
import { AGENT_OPERATIONS } from "./operations.ts";

/** An expression's value as a signed 64-bit integer (0n if it leaves none), or why it has none. */
export type AgentResult = { readonly value: bigint } | { readonly error: string };

/** Instructions one evaluation may take: backward jumps could go on for ever. */
const MOST_INSTRUCTIONS = 100_000;

/**
 * Evaluates gdb's agent-expression bytecode: the conditions and commands of breakpoints (`Z0…;X…`).
 * Reads the guest through `context`, only what the expression names. gdb: "The Agent Expression Mechanism".
 */
export function evaluateAgentExpression(bytecode: Uint8Array, context: AgentContext): AgentResult {
  const machine = new AgentMachine(bytecode, context);
  try {
    for (let count = 0; count < MOST_INSTRUCTIONS; count++) {
      const at = machine.pc;
      const code = machine.operand(1);
      const name = AGENT_OPCODES[code];
      if (name === "end") return { value: machine.value };
      if (name === undefined) return { error: `byte ${at} (0x${code.toString(16)}) is no agent opcode` };
      const operation = AGENT_OPERATIONS[name];
      if (operation === undefined) return { error: `agent opcode ${name} is not supported` };
      operation(machine);
    }
  } catch (error) {
    if (error instanceof AgentFault) return { error: error.message };
    throw error;
  }
  return { error: `the expression did not end within ${MOST_INSTRUCTIONS} instructions` };
}
