/** Bytes of a line table unit, written by hand: for tests only. */
export class LineWriter {
  readonly bytes: number[] = [];
  readonly littleEndian: boolean;

  constructor(littleEndian = true) {
    this.littleEndian = littleEndian;
  }

  number(value: number | bigint, size: number): this {
    const all = Array.from({ length: size }, (_, index) =>
      Number((BigInt(value) >> BigInt(8 * index)) & 255n),
    );
    this.bytes.push(...(this.littleEndian ? all : all.reverse()));
    return this;
  }

  u8(...values: number[]): this {
    this.bytes.push(...values.map((value) => value & 255));
    return this;
  }

  uleb(value: number): this {
    let left = value;
    while (left >= 128) {
      this.bytes.push((left % 128) | 128);
      left = Math.floor(left / 128);
    }
    this.bytes.push(left);
    return this;
  }

  sleb(value: number): this {
    let left = value;
    for (;;) {
      const byte = left & 127;
      left >>= 7;
      if ((left === 0 && (byte & 64) === 0) || (left === -1 && (byte & 64) !== 0)) {
        this.bytes.push(byte);
        return this;
      }
      this.bytes.push(byte | 128);
    }
  }

  text(value: string): this {
    this.bytes.push(...new TextEncoder().encode(value), 0);
    return this;
  }
}

export interface UnitOptions {
  readonly version: 2 | 3 | 4 | 5;
  readonly is64Bit?: boolean;
  readonly littleEndian?: boolean;
  readonly minimumInstructionLength?: number;
  readonly maximumOperations?: number;
  readonly opcodeBase?: number;
  readonly operands?: readonly number[];
}

const OPERANDS = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];

/** A unit with files 1 = /src/main.c and 2 = /src/inc/h.h (the directory's root unknown before version 5). */
export function lineUnit(options: UnitOptions, program: (writer: LineWriter) => void): Uint8Array {
  const littleEndian = options.littleEndian ?? true;
  const offsetSize = options.is64Bit === true ? 8 : 4;
  const opcodeBase = options.opcodeBase ?? 13;
  const tail = new LineWriter(littleEndian);
  tail.u8(options.minimumInstructionLength ?? 4);
  if (options.version >= 4) tail.u8(options.maximumOperations ?? 1);
  tail.u8(1, -5, 14, opcodeBase, ...(options.operands ?? OPERANDS).slice(0, opcodeBase - 1));
  if (options.version >= 5) {
    tail.u8(1).uleb(1).uleb(0x08); // directories: a path, in place
    tail.uleb(2).text("/src").text("inc");
    tail.u8(3).uleb(1).uleb(0x08).uleb(2).uleb(0x0b).uleb(5).uleb(0x1e); // files: path, directory, MD5
    tail.uleb(3);
    for (const [name, directory] of [
      ["main.c", 0],
      ["main.c", 0],
      ["h.h", 1],
    ] as const) {
      tail.text(name).u8(directory).number(0, 16);
    }
  } else {
    tail.text("inc").u8(0);
    tail.text("main.c").uleb(0).uleb(0).uleb(0).text("h.h").uleb(1).uleb(0).uleb(0).u8(0);
  }
  const body = new LineWriter(littleEndian);
  body.number(options.version, 2);
  if (options.version >= 5) body.u8(8, 0);
  body.number(tail.bytes.length, offsetSize);
  body.bytes.push(...tail.bytes);
  program(body);
  const unit = new LineWriter(littleEndian);
  if (options.is64Bit === true) unit.number(0xffffffff, 4);
  unit.number(body.bytes.length, offsetSize);
  return Uint8Array.from([...unit.bytes, ...body.bytes]);
}

/** DW_LNE_set_address. */
export function setAddress(writer: LineWriter, address: bigint, size = 8): void {
  writer
    .u8(0)
    .uleb(size + 1)
    .u8(2)
    .number(address, size);
}

/** DW_LNE_end_sequence. */
export function endSequence(writer: LineWriter): void {
  writer.u8(0, 1, 1);
}
