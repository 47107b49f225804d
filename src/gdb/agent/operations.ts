import { AgentFault, type AgentMachine, unsigned } from "./machine.ts";
import type { AgentOpcodeName } from "./opcodes.ts";
import { formatPrintf } from "./printf.ts";

type Operation = (machine: AgentMachine) => void;

/** Takes two values, the right one from the top, and leaves one. */
function binary(compute: (left: bigint, right: bigint) => bigint): Operation {
  return (machine) => {
    const right = machine.pop();
    const left = machine.pop();
    machine.push(compute(left, right));
  };
}

function divisor(value: bigint): bigint {
  if (value === 0n) throw new AgentFault("division by zero");
  return value;
}

/** A shift by 64 or more leaves nothing of an unsigned value. */
function shiftCount(value: bigint): bigint {
  const count = unsigned(value);
  return count > 64n ? 64n : count;
}

function reference(bytes: 1 | 2 | 4 | 8): Operation {
  return (machine) => machine.push(machine.memory(machine.popUnsigned(), bytes));
}

function constant(bytes: 1 | 2 | 4): Operation {
  return (machine) => machine.push(BigInt(machine.operand(bytes)));
}

function readRegister(machine: AgentMachine): void {
  const regnum = machine.operand(2);
  const value = machine.context.readRegister(regnum);
  if (value === undefined) throw new AgentFault(`register ${regnum} has no value`);
  machine.push(value);
}

function swap(machine: AgentMachine): void {
  const top = machine.pop();
  const below = machine.pop();
  machine.push(top);
  machine.push(below);
}

/** a b c → c a b. */
function rotate(machine: AgentMachine): void {
  const c = machine.pop();
  const b = machine.pop();
  const a = machine.pop();
  for (const value of [c, a, b]) machine.push(value);
}

/** The stack holds the arguments, the first one uppermost, and above them a channel and a function. */
function printf(machine: AgentMachine): void {
  const count = machine.operand(1);
  const format = machine.text(machine.operand(2));
  machine.pop();
  machine.pop();
  const values = Array.from({ length: count }, () => machine.pop());
  const { context } = machine;
  if (context.print === undefined) throw new AgentFault("there is no console to print on");
  const readString = (address: bigint): Uint8Array => {
    const bytes = machine.string(address);
    return bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes;
  };
  context.print(formatPrintf(format, values, readString));
}

/** What each instruction does, but for `end`. */
export const AGENT_OPERATIONS: Readonly<Partial<Record<AgentOpcodeName, Operation>>> = {
  add: binary((left, right) => left + right),
  sub: binary((left, right) => left - right),
  mul: binary((left, right) => left * right),
  div_signed: binary((left, right) => left / divisor(right)),
  div_unsigned: binary((left, right) => unsigned(left) / divisor(unsigned(right))),
  rem_signed: binary((left, right) => left % divisor(right)),
  rem_unsigned: binary((left, right) => unsigned(left) % divisor(unsigned(right))),
  lsh: binary((left, right) => left << shiftCount(right)),
  rsh_signed: binary((left, right) => left >> shiftCount(right)),
  rsh_unsigned: binary((left, right) => unsigned(left) >> shiftCount(right)),
  bit_and: binary((left, right) => left & right),
  bit_or: binary((left, right) => left | right),
  bit_xor: binary((left, right) => left ^ right),
  equal: binary((left, right) => (left === right ? 1n : 0n)),
  less_signed: binary((left, right) => (left < right ? 1n : 0n)),
  less_unsigned: binary((left, right) => (unsigned(left) < unsigned(right) ? 1n : 0n)),
  log_not: (machine) => machine.push(machine.pop() === 0n ? 1n : 0n),
  bit_not: (machine) => machine.push(~machine.pop()),
  ext: (machine) => machine.push(BigInt.asIntN(machine.width(), machine.pop())),
  zero_ext: (machine) => machine.push(BigInt.asUintN(machine.width(), machine.pop())),
  ref8: reference(1),
  ref16: reference(2),
  ref32: reference(4),
  ref64: reference(8),
  const8: constant(1),
  const16: constant(2),
  const32: constant(4),
  const64: (machine) => machine.push((BigInt(machine.operand(4)) << 32n) | BigInt(machine.operand(4))),
  reg: readRegister,
  if_goto: (machine) => {
    const target = machine.operand(2);
    if (machine.pop() !== 0n) machine.pc = target;
  },
  goto: (machine) => {
    machine.pc = machine.operand(2);
  },
  dup: (machine) => machine.push(machine.peek(0)),
  pop: (machine) => {
    machine.pop();
  },
  swap,
  pick: (machine) => machine.push(machine.peek(machine.operand(1))),
  rot: rotate,
  getv: (machine) => machine.push(machine.variables().get(machine.operand(2)) ?? 0n),
  setv: (machine) => {
    machine.variables().set(machine.operand(2), machine.peek(0));
  },
  tracev: (machine) => {
    machine.operand(2);
  },
  trace: (machine) => {
    const bytes = machine.popUnsigned();
    machine.context.trace?.(machine.popUnsigned(), bytes);
  },
  tracenz: (machine) => {
    const most = machine.popUnsigned();
    const address = machine.popUnsigned();
    machine.context.trace?.(address, BigInt(machine.string(address, most).length));
  },
  trace_quick: (machine) => {
    machine.context.trace?.(unsigned(machine.peek(0)), BigInt(machine.operand(1)));
  },
  trace16: (machine) => {
    machine.context.trace?.(unsigned(machine.peek(0)), BigInt(machine.operand(2)));
  },
  printf,
};
