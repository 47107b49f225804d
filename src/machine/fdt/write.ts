import { checkNodeName, checkPropertyName, checkUnique } from "./names.ts";
import {
  FDT_HEADER_SIZE,
  FDT_MAGIC,
  FDT_TOKEN,
  type Fdt,
  FdtError,
  type FdtNode,
  MAXIMUM_DEPTH,
} from "./tree.ts";

const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const encoder = new TextEncoder();

/**
 * Writes a device tree blob of version 17 (DTSpec chapter 5): header, reservations, structure, strings, each aligned.
 * @throws FdtError if names are impossible or repeated, or the tree is deeper than 64.
 */
export function writeFdt(fdt: Fdt): Uint8Array {
  const names = new StringTable();
  const structure = new Words();
  writeNode(fdt.root, 0, structure, names);
  structure.word(FDT_TOKEN.END);

  const reservations = new Words();
  for (const { address, size } of [...fdt.reservations, { address: 0n, size: 0n }]) {
    reservations.double(address);
    reservations.double(size);
  }
  // DTSpec 5.3: the reservation block is 8-byte aligned, as the header's 40 bytes leave it.
  const structureAt = FDT_HEADER_SIZE + reservations.length;
  const stringsAt = structureAt + structure.length;
  const total = (stringsAt + names.length + 7) & ~7;

  const blob = new Uint8Array(total);
  const header = new DataView(blob.buffer);
  const fields = [
    FDT_MAGIC,
    total,
    structureAt,
    stringsAt,
    FDT_HEADER_SIZE,
    VERSION,
    LAST_COMPATIBLE_VERSION,
    fdt.bootCpu,
    names.length,
    structure.length,
  ];
  for (const [index, field] of fields.entries()) header.setUint32(index * 4, field);
  blob.set(reservations.bytes(), FDT_HEADER_SIZE);
  blob.set(structure.bytes(), structureAt);
  blob.set(names.bytes(), stringsAt);
  return blob;
}

function writeNode(node: FdtNode, depth: number, out: Words, names: StringTable): void {
  if (depth >= MAXIMUM_DEPTH) throw new FdtError(`a device tree here is at most ${MAXIMUM_DEPTH} nodes deep`);
  checkNodeName(node.name, depth);
  checkUnique(
    "properties",
    node.name,
    node.properties.map((property) => property.name),
  );
  checkUnique(
    "children",
    node.name,
    node.children.map((child) => child.name),
  );
  out.word(FDT_TOKEN.BEGIN_NODE);
  out.aligned(encoder.encode(`${node.name}\0`));
  for (const { name, value } of node.properties) {
    checkPropertyName(name);
    out.word(FDT_TOKEN.PROP);
    out.word(value.length);
    out.word(names.offsetOf(name));
    out.aligned(value);
  }
  for (const child of node.children) writeNode(child, depth + 1, out, names);
  out.word(FDT_TOKEN.END_NODE);
}

/** A block of big-endian words that grows. */
class Words {
  #block = new Uint8Array(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  word(value: number): void {
    const at = this.#room(4);
    new DataView(this.#block.buffer).setUint32(at, value);
  }

  double(value: bigint): void {
    if (value < 0n || value >> 64n !== 0n)
      throw new FdtError(`a reservation's ${value} is not a value of 64 bits`);
    const at = this.#room(8);
    new DataView(this.#block.buffer).setBigUint64(at, value);
  }

  /** Bytes, then zeros up to the next word. */
  aligned(bytes: Uint8Array): void {
    const at = this.#room((bytes.length + 3) & ~3);
    this.#block.set(bytes, at);
  }

  bytes(): Uint8Array {
    return this.#block.subarray(0, this.#length);
  }

  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#block.length) {
      const larger = new Uint8Array(Math.max(this.#block.length * 2, this.#length));
      larger.set(this.#block);
      this.#block = larger;
    }
    return at;
  }
}

/** The strings block: each property name once. */
class StringTable {
  readonly #offsets = new Map<string, number>();
  readonly #names: string[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  offsetOf(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#length;
    this.#offsets.set(name, offset);
    this.#names.push(name);
    this.#length += name.length + 1;
    return offset;
  }

  bytes(): Uint8Array {
    return encoder.encode(this.#names.map((name) => `${name}\0`).join(""));
  }
}
