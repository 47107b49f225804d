import type { AddressRange } from "../address.ts";
import {
  bytes,
  cells,
  cellsOf,
  doubles,
  type Fdt,
  FdtError,
  type FdtNode,
  type FdtProperty,
  node,
  nodeAt,
  strings,
  withChild,
  withProperties,
} from "../fdt/tree.ts";
import { seededBytes } from "./seed.ts";

/** What a guest is told at boot, in the device tree's /chosen. */
export interface Chosen {
  /** The kernel's command line. */
  readonly commandLine?: string;
  /** Where the initial RAM disk lies. */
  readonly initrd?: AddressRange;
  /** Gives the guest kaslr-seed and rng-seed derived from this number; without it neither is there, so that nothing is random. */
  readonly seed?: bigint;
}

/** The properties of /chosen (Linux Documentation/devicetree/bindings/chosen.txt). */
export function chosenProperties(chosen: Chosen): FdtProperty[] {
  const properties: FdtProperty[] = [];
  if (chosen.commandLine !== undefined) properties.push(strings("bootargs", chosen.commandLine));
  if (chosen.initrd !== undefined) {
    const { base, size } = chosen.initrd;
    properties.push(doubles("linux,initrd-start", base), doubles("linux,initrd-end", base + size));
  }
  if (chosen.seed !== undefined) {
    const random = seededBytes(chosen.seed, 40);
    properties.push(bytes("kaslr-seed", random.subarray(0, 8)), bytes("rng-seed", random.subarray(8)));
  }
  return properties;
}

/**
 * A device tree of the user's own, adapted to this machine as QEMU does for `-dtb`: /memory says where RAM is, /chosen what the
 * guest is told; all else stays as it is.
 * @throws FdtError if the tree's root does not describe addresses in one or two cells.
 */
export function adaptDeviceTree(fdt: Fdt, ram: AddressRange, chosen: Chosen): Fdt {
  const [addressCells = 2] = cellsOf(fdt.root, "#address-cells") ?? [];
  const [sizeCells = 1] = cellsOf(fdt.root, "#size-cells") ?? [];
  const reg = cells(
    "reg",
    ...split("#address-cells", ram.base, addressCells),
    ...split("#size-cells", ram.size, sizeCells),
  );
  const memory =
    fdt.root.children.find((child) => child.name === "memory" || child.name.startsWith("memory@")) ??
    node(`memory@${ram.base.toString(16)}`, [strings("device_type", "memory")]);
  const old: FdtNode = nodeAt(fdt.root, "/chosen") ?? node("chosen", []);
  let { root } = fdt;
  root = withChild(root, withProperties(memory, reg));
  root = withChild(root, withProperties(old, ...chosenProperties(chosen)));
  return { ...fdt, root };
}

function split(what: string, value: bigint, count: number): number[] {
  if (count === 2) return [Number(value >> 32n), Number(value & 0xffff_ffffn)];
  if (count === 1 && value >> 32n === 0n) return [Number(value)];
  throw new FdtError(
    `the device tree's root has ${what} = ${count}, which cannot say 0x${value.toString(16)}`,
  );
}
