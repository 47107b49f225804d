import { unpackAccess } from "../../engine/access.ts";
import type { Access } from "../../engine/ir/node.ts";
import { engineState } from "../../engine/layout.ts";
import type { Arm64Cluster } from "./cluster.ts";
import type { Arm64Cpu } from "./cpu.ts";
import { noDebugRegisters, pageIsWatched } from "./debugUnit.ts";
import { dataAbort, faultStatus } from "./syndrome.ts";
import { noteDataAbort, type Page, translate } from "./translate.ts";
import { rights } from "./translation/walk.ts";

/** Every byte of an access translated; two parts when it crosses a page. */
interface Part {
  readonly va: bigint;
  readonly bytes: number;
  /** Guest-physical address. */
  readonly address: number;
  /** Host address, −1 outside all slots. */
  readonly host: number;
}

/** A load that the TLB did not answer. Returns bits 63:0; bits 127:64 of a 16-byte load go to `wideHigh`. */
export function loadSlow(cluster: Arm64Cluster, cpu: Arm64Cpu, va: bigint, packed: number): bigint {
  const access = unpackAccess(packed);
  const parts = prepare(cluster, cpu, va, access);
  if (parts === undefined) return 0n;
  const { view } = cluster.engine.memory;
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && only.host >= 0) {
    switch (access.bytes) {
      case 1:
        return BigInt(view.getUint8(only.host));
      case 2:
        return BigInt(view.getUint16(only.host, true));
      case 4:
        return BigInt(view.getUint32(only.host, true));
      case 8:
        return view.getBigUint64(only.host, true);
      default:
        view.setBigUint64(engineState.wideHigh.place.address, view.getBigUint64(only.host + 8, true), true);
        return view.getBigUint64(only.host, true);
    }
  }
  let value = 0n;
  let shift = 0n;
  for (const part of parts) {
    const read = part.host >= 0 ? readBytes(view, part) : readMmio(cpu, part, access);
    if (read === undefined) return 0n;
    value |= read << shift;
    shift += BigInt(part.bytes * 8);
  }
  view.setBigUint64(engineState.wideHigh.place.address, value >> 64n, true);
  return BigInt.asUintN(64, value);
}

/** A store that the TLB did not answer. */
export function storeSlow(
  cluster: Arm64Cluster,
  cpu: Arm64Cpu,
  va: bigint,
  packed: number,
  low: bigint,
  high: bigint,
): void {
  const access = unpackAccess(packed);
  const parts = prepare(cluster, cpu, va, access);
  if (parts === undefined) return;
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && only.host >= 0) {
    storePart(cluster, only, low, high);
    return;
  }
  let value = BigInt.asUintN(64, low) | (BigInt.asUintN(64, high) << 64n);
  for (const part of parts) {
    const bits = BigInt.asUintN(part.bytes * 8, value);
    value >>= BigInt(part.bytes * 8);
    if (part.host < 0) {
      if (!writeMmio(cpu, part, access, bits)) return;
      continue;
    }
    writeBytes(cluster.engine.memory.view, part, bits);
    cluster.engine.code.written(part.host, part.bytes);
  }
}

/** A store to plain memory in one page. */
function storePart({ engine }: Arm64Cluster, { host, bytes }: Part, low: bigint, high: bigint): void {
  const { view } = engine.memory;
  switch (bytes) {
    case 1:
      view.setUint8(host, engine.memory.lowHalf(low));
      break;
    case 2:
      view.setUint16(host, engine.memory.lowHalf(low), true);
      break;
    case 4:
      view.setUint32(host, engine.memory.lowHalf(low), true);
      break;
    case 8:
      view.setBigInt64(host, low, true);
      break;
    default:
      view.setBigInt64(host, low, true);
      view.setBigInt64(host + 8, high, true);
  }
  engine.code.written(host, bytes);
}

/** Alignment, translation, watchpoints: everything that can stop the access before it happens. Notes why if it does. */
function prepare(
  cluster: Arm64Cluster,
  cpu: Arm64Cpu,
  va: bigint,
  access: Access,
): readonly Part[] | undefined {
  const offset = cluster.engine.memory.lowHalf(va) & 0xfff;
  const aligned = (offset & (access.element - 1)) === 0;
  if (!aligned && (access.mustAlign || cpu.stage1.regime.alignmentChecked)) {
    noteDataAbort(cpu, faultStatus.alignment, va, access);
    return undefined;
  }
  const whole: Whole = { va, access, aligned, el: access.unprivileged ? 0 : cpu.registers.el };
  const bytes = Math.min(access.bytes, 0x1000 - offset);
  const first = locate(cluster, cpu, whole, va, bytes);
  if (first === undefined) return undefined;
  const parts = [first];
  if (bytes < access.bytes) {
    const second = locate(cluster, cpu, whole, va + BigInt(bytes), access.bytes - bytes);
    if (second === undefined) return undefined;
    parts.push(second);
  }
  if (cpu.debug.registers === noDebugRegisters) return parts;
  const { el } = whole;
  if (!access.write && cpu.debug.watchpointStops(va, access.bytes, { write: false, el })) return undefined;
  if ((access.write || access.willWrite) && cpu.debug.watchpointStops(va, access.bytes, { write: true, el }))
    return undefined;
  return parts;
}

/** The access that a part belongs to. */
interface Whole {
  readonly va: bigint;
  readonly access: Access;
  readonly aligned: boolean;
  /** The Exception level whose permissions count. */
  readonly el: 0 | 1;
}

/** Where the bytes at `va`, all in one page, are. Notes the abort and returns undefined if the access may not have them. */
function locate(
  cluster: Arm64Cluster,
  cpu: Arm64Cpu,
  whole: Whole,
  va: bigint,
  bytes: number,
): Part | undefined {
  const { access, el } = whole;
  const page = translate(cluster, cpu, va, access.write || access.willWrite ? "write" : "read", el);
  // Arm ARM D8.14.1 (and J1.1.5 S1Translate): this alignment fault comes after translation faults, but before permission faults.
  if (!whole.aligned && (page.rights & rights.device) !== 0) {
    noteDataAbort(cpu, faultStatus.alignment, whole.va, access);
    return undefined;
  }
  if (page.kind === "fault") {
    // ISS.WnR of a read-modify-write is 0 where a read would have faulted as well (Arm ARM D17.2.37).
    const readable = (page.rights & (el === 0 ? rights.read0 : rights.read1)) !== 0;
    noteDataAbort(cpu, page.status, va, { write: access.write || (access.willWrite && readable) });
    return undefined;
  }
  const address = page.page + (cluster.engine.memory.lowHalf(va) & 0xfff);
  const slot = cluster.physical.find(address);
  const host = slot === undefined || (access.write && slot.readOnly) ? -1 : slot.host + (address - slot.base);
  if (slot !== undefined && host >= 0) fill(cluster, cpu, va, host, page, !slot.readOnly, el);
  return { va, bytes, address, host };
}

/** Enters the page of an address that was translated for this Exception level into the TLB, if it is memory. */
export function enterPage(cluster: Arm64Cluster, cpu: Arm64Cpu, va: bigint, page: Page, el: 0 | 1): void {
  const slot = cluster.physical.find(page.page);
  if (slot !== undefined)
    fill(cluster, cpu, va, slot.host + (page.page - slot.base), page, !slot.readOnly, el);
}

/** Enters the page into the first-level TLB, as far as nothing needs to see the accesses. */
function fill(
  cluster: Arm64Cluster,
  cpu: Arm64Cpu,
  va: bigint,
  host: number,
  page: Page,
  writable: boolean,
  el: 0 | 1,
): void {
  const strict = (page.rights & rights.device) !== 0 || cpu.stage1.regime.alignmentChecked;
  const read = (page.rights & (el === 0 ? rights.read0 : rights.read1)) !== 0;
  const write =
    writable &&
    (page.rights & (el === 0 ? rights.write0 : rights.write1)) !== 0 &&
    !cluster.engine.code.holdsCode(host >>> 12);
  cluster.engine.tlb.fill(cpu.stage1.context(el), va, host, {
    read,
    write,
    strict,
    asid: page.global ? -1 : cpu.stage1.asid,
    watched: pageIsWatched(cpu.debug.registers, va),
  });
}

function readBytes(view: DataView, part: Part): bigint {
  let value = 0n;
  for (let i = part.bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(part.host + i));
  return value;
}

function writeBytes(view: DataView, part: Part, bits: bigint): void {
  if (part.bytes === 8) view.setBigUint64(part.host, bits, true);
  else if (part.bytes === 4) view.setUint32(part.host, Number(bits), true);
  else
    for (let i = 0; i < part.bytes; i++)
      view.setUint8(part.host + i, Number((bits >> BigInt(i * 8)) & 0xffn));
}

/** Bytes of each bus access of a part: an element, aligned or not; 1 where an element crosses the page. */
function busUnit(part: Part, access: Access): number {
  const size = Math.min(access.element, 8);
  return part.bytes % size === 0 ? size : 1;
}

/** ISS of the stage 2 abort that a device access is: a translation fault at level 1. */
function stage2Iss(write: boolean): number {
  return faultStatus.translation | 1 | (write ? dataAbort.wnr : 0);
}

function readMmio(cpu: Arm64Cpu, part: Part, access: Access): bigint | undefined {
  const bytes = busUnit(part, access);
  let value = 0n;
  for (let offset = 0; offset < part.bytes; offset += bytes) {
    const at = { address: part.address + offset, bytes, write: false, data: 0n };
    const done = cpu.mmio(at, stage2Iss(false), BigInt.asUintN(64, part.va + BigInt(offset)));
    if (done === undefined) return undefined;
    value |= BigInt.asUintN(bytes * 8, done.data) << BigInt(offset * 8);
  }
  return value;
}

function writeMmio(cpu: Arm64Cpu, part: Part, access: Access, bits: bigint): boolean {
  const bytes = busUnit(part, access);
  for (let offset = 0; offset < part.bytes; offset += bytes) {
    const data = BigInt.asUintN(bytes * 8, bits >> BigInt(offset * 8));
    const at = { address: part.address + offset, bytes, write: true, data };
    if (cpu.mmio(at, stage2Iss(true), BigInt.asUintN(64, part.va + BigInt(offset))) === undefined)
      return false;
  }
  return true;
}
