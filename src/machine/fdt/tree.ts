/** A flattened device tree (Devicetree Specification v0.4) as plain values, and the forms its properties take. */

/** A property's bytes as they stand in the blob. */
export interface FdtProperty {
  readonly name: string;
  readonly value: Uint8Array;
}

/** A node: its properties in order, then its children in order. The root's name is empty. */
export interface FdtNode {
  readonly name: string;
  readonly properties: readonly FdtProperty[];
  readonly children: readonly FdtNode[];
}

/** Memory the guest must leave alone (DTSpec 5.3). */
export interface FdtReservation {
  readonly address: bigint;
  readonly size: bigint;
}

/** What a device tree blob holds. */
export interface Fdt {
  readonly root: FdtNode;
  readonly reservations: readonly FdtReservation[];
  readonly bootCpu: number;
}

/** A device tree blob that breaks the format, or a tree that cannot be written as one: whoever made it is at fault. */
export class FdtError extends Error {
  override readonly name = "FdtError";
}

/** DTSpec 5.2: the blob's first word. */
export const FDT_MAGIC = 0xd00dfeed;
/** DTSpec 5.2: header of version 17, in bytes. */
export const FDT_HEADER_SIZE = 40;
/** DTSpec 5.4.1. */
export const FDT_TOKEN = { BEGIN_NODE: 1, END_NODE: 2, PROP: 3, NOP: 4, END: 9 } as const;
/** Deeper trees than any board has are refused, so that a hostile blob cannot exhaust the reader's stack. */
export const MAXIMUM_DEPTH = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A node with the given properties; `children` may be left out. */
export function node(
  name: string,
  properties: readonly FdtProperty[],
  children: readonly FdtNode[] = [],
): FdtNode {
  return { name, properties, children };
}

/** A property of 32-bit cells. @throws FdtError if a cell is not an unsigned 32-bit integer. */
export function cells(name: string, ...values: readonly number[]): FdtProperty {
  const value = new Uint8Array(values.length * 4);
  const view = new DataView(value.buffer);
  for (const [index, cell] of values.entries()) {
    if (!Number.isInteger(cell) || cell < 0 || cell > 0xffff_ffff) {
      throw new FdtError(`${name}: ${cell} is not a cell of 32 bits`);
    }
    view.setUint32(index * 4, cell);
  }
  return { name, value };
}

/** A property of 64-bit values, two cells each: `reg` under #address-cells = #size-cells = 2. */
export function doubles(name: string, ...values: readonly bigint[]): FdtProperty {
  const value = new Uint8Array(values.length * 8);
  const view = new DataView(value.buffer);
  for (const [index, double] of values.entries()) {
    if (double < 0n || double >> 64n !== 0n)
      throw new FdtError(`${name}: ${double} is not a value of 64 bits`);
    view.setBigUint64(index * 8, double);
  }
  return { name, value };
}

/** A property of one string or a list of strings. @throws FdtError if one holds a NUL. */
export function strings(name: string, ...values: readonly string[]): FdtProperty {
  if (values.some((text) => text.includes("\0"))) throw new FdtError(`${name}: a string cannot hold a NUL`);
  return { name, value: encoder.encode(values.map((text) => `${text}\0`).join("")) };
}

/** A property without a value, whose presence says all. */
export function flag(name: string): FdtProperty {
  return { name, value: new Uint8Array(0) };
}

/** A property of bytes. */
export function bytes(name: string, value: Uint8Array): FdtProperty {
  return { name, value };
}

/** The property's value, undefined if the node has none of that name. */
export function propertyOf(from: FdtNode, name: string): Uint8Array | undefined {
  return from.properties.find((property) => property.name === name)?.value;
}

/** The property as 32-bit cells. @throws FdtError if its length is no multiple of 4. */
export function cellsOf(from: FdtNode, name: string): number[] | undefined {
  const value = propertyOf(from, name);
  if (value === undefined) return undefined;
  if (value.length % 4 !== 0)
    throw new FdtError(`${from.name || "/"}: ${name} has ${value.length} bytes, no whole cells`);
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return Array.from({ length: value.length / 4 }, (_, index) => view.getUint32(index * 4));
}

/** The property as strings. @throws FdtError if it does not end in a NUL or is no UTF-8. */
export function stringsOf(from: FdtNode, name: string): string[] | undefined {
  const value = propertyOf(from, name);
  if (value === undefined) return undefined;
  if (value.at(-1) !== 0)
    throw new FdtError(`${from.name || "/"}: ${name} is not a string: no NUL at its end`);
  try {
    return decoder.decode(value.subarray(0, -1)).split("\0");
  } catch {
    throw new FdtError(`${from.name || "/"}: ${name} is not a string: no UTF-8`);
  }
}

/** The node at an absolute path such as `/cpus/cpu@0`; `/` is the root. */
export function nodeAt(root: FdtNode, path: string): FdtNode | undefined {
  let at: FdtNode | undefined = root;
  for (const name of path.split("/").filter((part) => part !== "")) {
    at = at?.children.find((child) => child.name === name);
  }
  return at;
}

/** The node with properties put in the place of those of the same name, or added at the end. */
export function withProperties(from: FdtNode, ...properties: readonly FdtProperty[]): FdtNode {
  const kept = from.properties.map((old) => properties.find((property) => property.name === old.name) ?? old);
  const added = properties.filter((property) => propertyOf(from, property.name) === undefined);
  return { ...from, properties: [...kept, ...added] };
}

/** The node with `child` in the place of the child of the same name, or added at the end. */
export function withChild(from: FdtNode, child: FdtNode): FdtNode {
  const known = from.children.some((old) => old.name === child.name);
  const children = from.children.map((old) => (old.name === child.name ? child : old));
  return { ...from, children: known ? children : [...children, child] };
}
