/** What an expression may look at and do. */
export interface AgentContext {
  /** A register's value, by protocol number, as an unsigned integer; undefined: there is none. */
  readRegister(regnum: number): bigint | undefined;
  /** An unsigned integer of 1, 2, 4 or 8 bytes in the guest's byte order; undefined: unmapped. */
  readMemory(address: bigint, bytes: 1 | 2 | 4 | 8): bigint | undefined;
  /** printf's output; left out, expressions that print are an error. */
  print?(text: string): void;
  /** Trace state variables; left out, they are an error. */
  readonly variables?: Map<number, bigint>;
  /** Memory to be recorded (trace, tracenz, …); left out, it is not. */
  trace?(address: bigint, bytes: bigint): void;
}

/** Why an expression has no value. Becomes an {@link AgentResult}; never leaves this folder. */
export class AgentFault extends Error {
  override readonly name = "AgentFault";
}

const MOST_STACK = 256;
/** Strings in guest memory may have no end. */
const LONGEST_STRING = 65_536n;

/** Treats a signed stack value as unsigned. */
export function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** The stack, the code and the guest of one evaluation. Stack values are signed, 64 bits. */
export class AgentMachine {
  readonly context: AgentContext;
  /** Offset of the next byte of code. */
  pc = 0;
  readonly #code: DataView;
  readonly #stack: bigint[] = [];

  constructor(bytecode: Uint8Array, context: AgentContext) {
    this.#code = new DataView(bytecode.buffer, bytecode.byteOffset, bytecode.byteLength);
    this.context = context;
  }

  /** The expression's value: the top of the stack, 0n if it is empty. */
  get value(): bigint {
    return this.#stack.at(-1) ?? 0n;
  }

  /** The next operand: big-endian, whatever the guest is. */
  operand(bytes: 1 | 2 | 4): number {
    const at = this.#advance(bytes);
    if (bytes === 1) return this.#code.getUint8(at);
    return bytes === 2 ? this.#code.getUint16(at) : this.#code.getUint32(at);
  }

  /** The next `length` bytes of code, up to the first zero, as text. */
  text(length: number): string {
    const at = this.#advance(length);
    const bytes = new Uint8Array(this.#code.buffer, this.#code.byteOffset + at, length);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.subarray(0, end < 0 ? length : end));
  }

  /** The operand of ext and zero_ext: 64 bits and more leave the value as it is. */
  width(): number {
    return Math.min(this.operand(1), 64);
  }

  push(value: bigint): void {
    if (this.#stack.length >= MOST_STACK) throw new AgentFault("the expression's stack overflows");
    this.#stack.push(BigInt.asIntN(64, value));
  }

  pop(): bigint {
    const value = this.#stack.pop();
    if (value === undefined) throw new AgentFault("the expression's stack is empty");
    return value;
  }

  /** Pops an unsigned value: an address or a size. */
  popUnsigned(): bigint {
    return unsigned(this.pop());
  }

  /** The value `depth` below the top. */
  peek(depth: number): bigint {
    const value = this.#stack.at(-1 - depth);
    if (value === undefined) throw new AgentFault("the expression's stack is empty");
    return value;
  }

  /** Guest memory as an unsigned integer. */
  memory(address: bigint, bytes: 1 | 2 | 4 | 8): bigint {
    const value = this.context.readMemory(address, bytes);
    if (value === undefined) throw new AgentFault(`address 0x${address.toString(16)} is not mapped`);
    return value;
  }

  /** A string in guest memory, its final zero included, of `most` bytes at most. */
  string(address: bigint, most: bigint = LONGEST_STRING): Uint8Array {
    const limit = most < LONGEST_STRING ? most : LONGEST_STRING;
    const bytes: number[] = [];
    while (BigInt(bytes.length) < limit) {
      const byte = Number(this.memory(unsigned(address + BigInt(bytes.length)), 1));
      bytes.push(byte);
      if (byte === 0) break;
    }
    return Uint8Array.from(bytes);
  }

  /** The trace state variables. */
  variables(): Map<number, bigint> {
    const { variables } = this.context;
    if (variables === undefined) throw new AgentFault("there are no trace state variables");
    return variables;
  }

  #advance(bytes: number): number {
    const at = this.pc;
    if (at + bytes > this.#code.byteLength) throw new AgentFault("the expression runs off its end");
    this.pc = at + bytes;
    return at;
  }
}
