import { checkNodeName, checkPropertyName, checkUnique } from "./names.ts";
import {
  FDT_HEADER_SIZE,
  FDT_MAGIC,
  FDT_TOKEN,
  type Fdt,
  FdtError,
  type FdtNode,
  type FdtProperty,
  type FdtReservation,
  MAXIMUM_DEPTH,
} from "./tree.ts";

/** The version whose layout is read; later ones must say that they are compatible with it (DTSpec 5.2). */
const VERSION = 17;

interface Block {
  readonly start: number;
  readonly end: number;
}

interface Blob {
  readonly view: DataView;
  readonly structure: Block;
  readonly strings: Block;
}

/**
 * Reads a device tree blob, strictly: whatever is cut off, out of place or contradictory is refused. Bytes after the blob's own
 * total size are ignored, as is what its alignment leaves between blocks. Property values share memory with `bytes`.
 * @throws FdtError saying what is wrong.
 */
export function parseFdt(bytes: Uint8Array): Fdt {
  if (bytes.length < FDT_HEADER_SIZE) {
    throw new FdtError(
      `a device tree blob has a header of ${FDT_HEADER_SIZE} bytes, here are ${bytes.length} bytes in all`,
    );
  }
  const all = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = Array.from({ length: 10 }, (_, index) => all.getUint32(index * 4));
  const [magic = 0, total = 0, structureAt = 0, stringsAt = 0, reservationsAt = 0, version = 0] = header;
  const [, , , , , , compatible = 0, bootCpu = 0, stringsSize = 0, structureSize = 0] = header;
  if (magic !== FDT_MAGIC)
    throw new FdtError(`not a device tree blob: it begins with 0x${magic.toString(16)}`);
  if (version < VERSION || compatible > VERSION) {
    throw new FdtError(
      `a device tree blob of version ${version} (compatible with ${compatible}); version ${VERSION} is read`,
    );
  }
  if (total < FDT_HEADER_SIZE || total > bytes.length) {
    throw new FdtError(`the device tree blob says it has ${total} bytes, here are ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, total);
  const structure = block("structure", structureAt, structureSize, 4, total);
  const strings = block("strings", stringsAt, stringsSize, 1, total);
  const { reservations, end } = readReservations(view, reservationsAt);
  checkApart([
    { name: "reservations", start: reservationsAt, end },
    { name: "structure", ...structure },
    { name: "strings", ...strings },
  ]);
  return { root: readStructure({ view, structure, strings }), reservations, bootCpu };
}

function block(name: string, start: number, size: number, alignment: number, total: number): Block {
  if (start < FDT_HEADER_SIZE || start % alignment !== 0 || start + size > total) {
    throw new FdtError(
      `the ${name} block of the device tree blob (${size} bytes at ${start}) is not inside its ${total} bytes`,
    );
  }
  return { start, end: start + size };
}

function checkApart(blocks: readonly (Block & { readonly name: string })[]): void {
  const sorted = blocks.filter((b) => b.end > b.start).sort((a, b) => a.start - b.start);
  for (const [index, one] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next && one.end > next.start) {
      throw new FdtError(`the ${one.name} and ${next.name} blocks of the device tree blob overlap`);
    }
  }
}

function readReservations(view: DataView, start: number): { reservations: FdtReservation[]; end: number } {
  if (start < FDT_HEADER_SIZE || start % 8 !== 0) {
    throw new FdtError(`the reservations of the device tree blob cannot begin at ${start}`);
  }
  const reservations: FdtReservation[] = [];
  for (let at = start; at + 16 <= view.byteLength; at += 16) {
    const address = view.getBigUint64(at);
    const size = view.getBigUint64(at + 8);
    if (address === 0n && size === 0n) return { reservations, end: at + 16 };
    reservations.push({ address, size });
  }
  throw new FdtError("the reservations of the device tree blob do not end inside it");
}

function readStructure(blob: Blob): FdtNode {
  const reader = new StructureReader(blob);
  if (reader.token() !== FDT_TOKEN.BEGIN_NODE) {
    throw new FdtError("the structure of the device tree blob does not begin with a node");
  }
  const root = readNode(reader, 0);
  if (reader.token() !== FDT_TOKEN.END) {
    throw new FdtError("the structure of the device tree blob goes on after its root node");
  }
  return root;
}

/** Reads on behind a BEGIN_NODE, to the END_NODE that belongs to it. */
function readNode(reader: StructureReader, depth: number): FdtNode {
  if (depth >= MAXIMUM_DEPTH)
    throw new FdtError(`the device tree blob has nodes more than ${MAXIMUM_DEPTH} deep`);
  const name = reader.name();
  checkNodeName(name, depth);
  const properties: FdtProperty[] = [];
  const children: FdtNode[] = [];
  for (;;) {
    const token = reader.token();
    switch (token) {
      case FDT_TOKEN.PROP:
        if (children.length > 0) {
          throw new FdtError(`the device tree node ${name || "/"} has a property after its children`);
        }
        properties.push(reader.property());
        break;
      case FDT_TOKEN.BEGIN_NODE:
        children.push(readNode(reader, depth + 1));
        break;
      case FDT_TOKEN.END_NODE:
        checkUnique(
          "properties",
          name,
          properties.map((property) => property.name),
        );
        checkUnique(
          "children",
          name,
          children.map((child) => child.name),
        );
        return { name, properties, children };
      default:
        throw new FdtError(`the device tree node ${name || "/"} has no end: token ${token} stands there`);
    }
  }
}

class StructureReader {
  readonly #blob: Blob;
  #at: number;

  constructor(blob: Blob) {
    this.#blob = blob;
    this.#at = blob.structure.start;
  }

  /** The next token that is no NOP. */
  token(): number {
    for (;;) {
      const token = this.#word();
      if (token !== FDT_TOKEN.NOP) return token;
    }
  }

  name(): string {
    const { name, length } = this.#text(this.#at, this.#blob.structure.end, "a node's name");
    this.#skip(length + 1);
    return name;
  }

  property(): FdtProperty {
    const length = this.#word();
    const nameAt = this.#word();
    const { view, strings } = this.#blob;
    if (nameAt >= strings.end - strings.start) {
      throw new FdtError(`a property's name lies at ${nameAt}, outside the strings of the device tree blob`);
    }
    const { name } = this.#text(strings.start + nameAt, strings.end, "a property's name");
    checkPropertyName(name);
    const start = this.#at;
    this.#skip(length);
    return { name, value: new Uint8Array(view.buffer, view.byteOffset + start, length) };
  }

  #word(): number {
    const at = this.#at;
    this.#skip(4);
    return this.#blob.view.getUint32(at);
  }

  #skip(bytes: number): void {
    const next = this.#at + bytes;
    if (next > this.#blob.structure.end)
      throw new FdtError("the structure of the device tree blob is cut off");
    this.#at = Math.min((next + 3) & ~3, this.#blob.structure.end);
  }

  #text(start: number, end: number, what: string): { name: string; length: number } {
    const { view } = this.#blob;
    let name = "";
    for (let at = start; at < end; at += 1) {
      const byte = view.getUint8(at);
      if (byte === 0) return { name, length: at - start };
      name += String.fromCharCode(byte);
    }
    throw new FdtError(`${what} has no end in the device tree blob`);
  }
}
