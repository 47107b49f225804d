/** Where a value is found while a function executes from `at` on, until the next row. */
export interface FrameRow {
  /** Bytes from the function's first instruction. */
  readonly at: number;
  /** The canonical frame address: a register and what is added to it. */
  readonly cfa: { readonly register: number; readonly offset: number };
  /** Registers of the caller that are in memory, by their distance from the canonical frame address; others are as they were. */
  readonly saved: ReadonlyMap<number, number>;
  /** The return address is nowhere any more. */
  readonly isLost: boolean;
}

/** One function's frames. Rows are in order, the first at 0. */
export interface FunctionFrames {
  readonly start: bigint;
  /** Bytes. */
  readonly size: number;
  readonly rows: readonly FrameRow[];
}

/** What all functions have in common. */
export interface FrameConvention {
  /** Bytes every instruction begins at a multiple of. */
  readonly codeAlignment: number;
  /** DWARF number of the register with the return address, and of the stack pointer, which is the CFA at a function's entry. */
  readonly returnAddress: number;
  readonly stackPointer: number;
}

/** Call frame instructions (DWARF 5, 7.24). */
const instruction = {
  advance: 0x40,
  offset: 0x80,
  advance1: 0x02,
  advance2: 0x03,
  advance4: 0x04,
  undefined: 0x07,
  sameValue: 0x08,
  defCfa: 0x0c,
  offsetExtendedSigned: 0x11,
  defCfaSigned: 0x12,
} as const;

/** Stack slots are multiples of this; they lie below the frame address. */
const dataAlignment = -8;

class Bytes {
  #bytes = new Uint8Array(1 << 16);
  length = 0;

  byte(value: number): void {
    if (this.length === this.#bytes.length) {
      const more = new Uint8Array(this.#bytes.length * 2);
      more.set(this.#bytes);
      this.#bytes = more;
    }
    this.#bytes[this.length++] = value;
  }

  number(value: bigint, bytes: number): void {
    for (let n = 0; n < bytes; n++) this.byte(Number((value >> BigInt(8 * n)) & 0xffn));
  }

  unsigned(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }

  signed(value: number): void {
    let rest = value;
    // The last byte's bit 6 is the sign.
    for (; rest < -0x40 || rest >= 0x40; rest >>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest & 0x7f);
  }

  /** Begins an entry; `end` fills in its length. */
  begin(): number {
    this.number(0n, 4);
    return this.length;
  }

  end(begin: number): void {
    // DW_CFA_nop up to the next word.
    while ((this.length - begin + 4) % 8 !== 0) this.byte(0);
    new DataView(this.#bytes.buffer).setUint32(begin - 4, this.length - begin, true);
  }

  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}

/** Writes a `.debug_frame` section (DWARF 4, little-endian, 64-bit addresses): how debuggers get from a function to its caller. */
export function writeDebugFrame(
  functions: readonly FunctionFrames[],
  convention: FrameConvention,
): Uint8Array {
  const out = new Bytes();
  const common = out.begin();
  out.number(0xffff_ffffn, 4);
  out.byte(4);
  // No augmentation; 8-byte addresses, no segments.
  for (const value of [0, 8, 0]) out.byte(value);
  out.unsigned(convention.codeAlignment);
  out.signed(dataAlignment);
  out.unsigned(convention.returnAddress);
  out.byte(instruction.defCfa);
  out.unsigned(convention.stackPointer);
  out.unsigned(0);
  out.end(common);
  for (const each of functions) {
    const begin = out.begin();
    out.number(0n, 4);
    out.number(BigInt.asUintN(64, each.start), 8);
    out.number(BigInt(each.size), 8);
    writeRows(out, each.rows, convention);
    out.end(begin);
  }
  return out.bytes;
}

function writeRows(out: Bytes, rows: readonly FrameRow[], convention: FrameConvention): void {
  const entry: FrameRow = {
    at: 0,
    cfa: { register: convention.stackPointer, offset: 0 },
    saved: new Map(),
    isLost: false,
  };
  let before = entry;
  for (const row of rows) {
    advance(out, (row.at - before.at) / convention.codeAlignment);
    if (row.cfa.register !== before.cfa.register || row.cfa.offset !== before.cfa.offset) {
      const { register, offset } = row.cfa;
      out.byte(offset >= 0 ? instruction.defCfa : instruction.defCfaSigned);
      out.unsigned(register);
      if (offset >= 0) out.unsigned(offset);
      else out.signed(offset / dataAlignment);
    }
    for (const [register, offset] of row.saved) {
      if (before.saved.get(register) === offset && !(before.isLost && register === convention.returnAddress))
        continue;
      const factored = offset / dataAlignment;
      if (factored >= 0) {
        out.byte(instruction.offset | register);
        out.unsigned(factored);
      } else {
        out.byte(instruction.offsetExtendedSigned);
        out.unsigned(register);
        out.signed(factored);
      }
    }
    for (const register of before.saved.keys()) if (!row.saved.has(register)) sameValue(out, register);
    const { returnAddress } = convention;
    if (row.isLost && !before.isLost) {
      out.byte(instruction.undefined);
      out.unsigned(returnAddress);
    } else if (!row.isLost && before.isLost && !row.saved.has(returnAddress)) sameValue(out, returnAddress);
    before = row;
  }
}

function sameValue(out: Bytes, register: number): void {
  out.byte(instruction.sameValue);
  out.unsigned(register);
}

function advance(out: Bytes, units: number): void {
  if (units === 0) return;
  if (units < 0x40) out.byte(instruction.advance | units);
  else if (units < 0x100) {
    out.byte(instruction.advance1);
    out.byte(units);
  } else if (units < 0x1_0000) {
    out.byte(instruction.advance2);
    out.number(BigInt(units), 2);
  } else {
    out.byte(instruction.advance4);
    out.number(BigInt(units), 4);
  }
}
