import { packAccess } from "../../engine/access.ts";
import type { Arm64Cluster } from "./cluster.ts";
import type { Arm64Cpu } from "./cpu.ts";
import { enterPage, storeSlow } from "./memoryAccess.ts";
import { exceptionClass, faultStatus } from "./syndrome.ts";
import { sctlr } from "./systemRegisters/control.ts";
import { type AccessKind, noteDataAbort, translate, walkStage1 } from "./translate.ts";
import { rights } from "./translation/walk.ts";

/** op1:CRn:CRm:op2 of a SYS instruction in 14 bits. */
const operation = (op1: number, crn: number, crm: number, op2: number): number =>
  (op1 << 11) | (crn << 7) | (crm << 3) | op2;

/** SCTLR_EL1 bit that lets EL0 use the operation; undefined: EL1 only. */
type El0Gate = bigint | undefined;

type Action = (cluster: Arm64Cluster, cpu: Arm64Cpu, value: bigint) => void;

interface Row {
  readonly el0: El0Gate;
  readonly action: Action;
}

const nothing: Action = () => {};

/**
 * Cache maintenance by address only has to fault as an access would: caches are not modelled. DC IVAC needs permission to write,
 * the others permission to read; at EL1 every page can be read (Arm ARM D7.5.9).
 */
const byAddress =
  (kind: "read" | "write"): Action =>
  (cluster, cpu, value) => {
    const { el } = cpu.registers;
    const page = translate(cluster, cpu, value, kind, el);
    // Once the TLB holds the page, cleaning it needs no call.
    if (page.kind === "page" && kind === "read") enterPage(cluster, cpu, value, page, el);
    if (page.kind === "fault")
      noteDataAbort(cpu, page.status, value, { write: false, cacheMaintenance: true });
    // Invalidating is watched like a store, cleaning is not (Arm ARM D2.9.6).
    else if (kind === "write")
      cpu.debug.watchpointStops(value & ~63n, 64, { write: true, cacheMaintenance: true });
  };

/** Zeroes the 64-byte block around the address, as stores of it would. */
const zeroBlock: Action = (cluster, cpu, value) => {
  const start = value & ~63n;
  const doubleword = packAccess({
    bytes: 8,
    element: 8,
    write: true,
    mustAlign: false,
    unprivileged: false,
    willWrite: false,
  });
  const page = translate(cluster, cpu, start, "write", cpu.registers.el);
  if ((page.rights & rights.device) !== 0) {
    noteDataAbort(cpu, faultStatus.alignment, value, { write: true });
    return;
  }
  if (page.kind === "fault") {
    noteDataAbort(cpu, page.status, value, { write: true });
    return;
  }
  const slot = cluster.physical.find(page.page);
  if (cpu.debug.watchpointStops(start, 64, { write: true })) return;
  if (slot !== undefined && !slot.readOnly) {
    const host = slot.host + (page.page - slot.base) + Number(start & 0xfffn);
    cluster.engine.memory.bytes.fill(0, host, host + 64);
    cluster.engine.code.written(host, 64);
    enterPage(cluster, cpu, start, page, cpu.registers.el);
    return;
  }
  for (let i = 0n; i < 64n; i += 8n) {
    storeSlow(cluster, cpu, start + i, doubleword, 0n, 0n);
    if (cpu.abandoned) return;
  }
};

const allCpus =
  (action: (cpu: Arm64Cpu, value: bigint) => void): Action =>
  (cluster, _cpu, value) => {
    for (const each of cluster.cpus) action(each, value);
  };

const thisCpu =
  (action: (cpu: Arm64Cpu, value: bigint) => void): Action =>
  (_cluster, cpu, value) =>
    action(cpu, value);

const invalidateAll = (cpu: Arm64Cpu): void => cpu.stage1.flush();

const invalidateAsid = (cpu: Arm64Cpu, value: bigint): void => cpu.stage1.flushAsid(Number(value >> 48n));

/** TLBI by address: Xt has the ASID in 63:48 and address bits 55:12 in 43:0 (Arm ARM C5.5). */
const invalidateAddress =
  (everyAsid: boolean) =>
  (cpu: Arm64Cpu, value: bigint): void => {
    const address = BigInt.asUintN(64, BigInt.asIntN(56, (value & 0xfff_ffff_ffffn) << 12n));
    cpu.stage1.flushPage(address, everyAsid ? "all" : Number(value >> 48n));
  };

const invalidations: readonly [op2: number, (cpu: Arm64Cpu, value: bigint) => void][] = [
  [0, invalidateAll],
  [1, invalidateAddress(false)],
  [2, invalidateAsid],
  [3, invalidateAddress(true)],
  [5, invalidateAddress(false)],
  [7, invalidateAddress(true)],
];

/** AT S1E1R, S1E1W, S1E0R, S1E0W: PAR_EL1 says what came of it (Arm ARM D17.2.111). */
const addressTranslation =
  (kind: AccessKind, el: 0 | 1): Action =>
  (cluster, cpu, value) => {
    const page = walkStage1(cluster, cpu, value);
    if (page.kind === "fault" && page.table !== undefined) {
      // Arm ARM D8.15.4: an External abort on the walk is taken, not reported.
      noteDataAbort(cpu, page.status, value, { write: false, cacheMaintenance: true });
      return;
    }
    const allowed = kind === "read" ? [rights.read0, rights.read1] : [rights.write0, rights.write1];
    const fault =
      page.kind === "fault"
        ? page.status
        : (page.rights & (allowed[el] ?? 0)) === 0
          ? faultStatus.permission | page.level
          : undefined;
    if (fault !== undefined || page.kind === "fault") {
      cpu.system.setRaw("PAR_EL1", 0x800n | (BigInt(fault ?? 0) << 1n) | 1n);
      return;
    }
    // Device and Normal Non-cacheable memory are Outer Shareable whatever the descriptor says (Arm ARM D17.2.111, SH).
    const device = page.attributes >> 4 === 0;
    const shareability = device || page.attributes === 0x44 ? 2 : page.shareability;
    cpu.system.setRaw(
      "PAR_EL1",
      (BigInt(page.attributes) << 56n) | BigInt(page.page) | 0x800n | (BigInt(shareability) << 7n),
    );
  };

const rows: ReadonlyMap<number, Row> = new Map<number, Row>([
  [operation(0, 7, 1, 0), { el0: undefined, action: nothing }],
  [operation(0, 7, 5, 0), { el0: undefined, action: nothing }],
  [operation(3, 7, 5, 1), { el0: sctlr.UCI, action: byAddress("read") }],
  [operation(0, 7, 6, 1), { el0: undefined, action: byAddress("write") }],
  [operation(0, 7, 6, 2), { el0: undefined, action: nothing }],
  [operation(0, 7, 10, 2), { el0: undefined, action: nothing }],
  [operation(0, 7, 14, 2), { el0: undefined, action: nothing }],
  [operation(3, 7, 4, 1), { el0: sctlr.DZE, action: zeroBlock }],
  [operation(3, 7, 10, 1), { el0: sctlr.UCI, action: byAddress("read") }],
  [operation(3, 7, 11, 1), { el0: sctlr.UCI, action: byAddress("read") }],
  [operation(3, 7, 14, 1), { el0: sctlr.UCI, action: byAddress("read") }],
  [operation(0, 7, 8, 0), { el0: undefined, action: addressTranslation("read", 1) }],
  [operation(0, 7, 8, 1), { el0: undefined, action: addressTranslation("write", 1) }],
  [operation(0, 7, 8, 2), { el0: undefined, action: addressTranslation("read", 0) }],
  [operation(0, 7, 8, 3), { el0: undefined, action: addressTranslation("write", 0) }],
  ...invalidations.flatMap(([op2, action]): [number, Row][] => [
    [operation(0, 8, 3, op2), { el0: undefined, action: allCpus(action) }],
    [operation(0, 8, 7, op2), { el0: undefined, action: thisCpu(action) }],
  ]),
]);

/** SYS: DC, IC, AT and TLBI. Decoded instructions follow writes to memory by themselves, so IC has nothing to drop. */
export function systemInstruction(cluster: Arm64Cluster, cpu: Arm64Cpu, key: number, value: bigint): void {
  const row = rows.get(key);
  const el = cpu.registers.el;
  if (row === undefined || (el === 0 && row.el0 === undefined)) {
    cpu.note({ kind: "exception", ec: exceptionClass.unknown, iss: 0, preferredReturn: "this" });
    return;
  }
  if (el === 0 && row.el0 !== undefined && (cpu.system.raw("SCTLR_EL1") & row.el0) === 0n) {
    const [op1, crn, crm, op2] = [(key >> 11) & 7, (key >> 7) & 15, (key >> 3) & 15, key & 7];
    const iss = (1 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (cpu.currentRt() << 5) | (crm << 1);
    cpu.note({ kind: "exception", ec: exceptionClass.systemRegister, iss, preferredReturn: "this" });
    return;
  }
  row.action(cluster, cpu, value);
}
