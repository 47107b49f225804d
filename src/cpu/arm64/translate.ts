import type { Arm64Cluster } from "./cluster.ts";
import type { Arm64Cpu } from "./cpu.ts";
import { dataAbort, exceptionClass, faultStatus } from "./syndrome.ts";
import type { CachedPage } from "./translation/secondLevel.ts";
import { rights, type Translation, type WalkFault, walk } from "./translation/walk.ts";

/** What an access wants. */
export type AccessKind = "read" | "write" | "execute";

/** A translated page: where it is, and what else matters for the access. `rights` are both levels'. */
export type Page = CachedPage;

/** A stage 1 fault of an access: the fault status code, and the rights of the page where there is one. */
export interface PageFault {
  readonly kind: "fault";
  readonly status: number;
  readonly rights: number;
}

const needed = {
  read: [rights.read0, rights.read1],
  write: [rights.write0, rights.write1],
  execute: [rights.execute0, rights.execute1],
} as const;

/** Stage 1 for an address as its guest sees it, by the second-level TLB or the tables. */
export function translate(
  cluster: Arm64Cluster,
  cpu: Arm64Cpu,
  va: bigint,
  kind: AccessKind,
  el: 0 | 1,
): Page | PageFault {
  const pageNumber = pageNumberOf(cluster, cpu, va);
  const want = needed[kind][el];
  const cached = cpu.stage1.secondLevel.find(pageNumber, cpu.stage1.asid);
  if (cached !== undefined && (cached.rights & want) !== 0) return cached;
  const walked = walkStage1(cluster, cpu, untagged(cpu, BigInt.asUintN(64, va)));
  if (walked.kind === "fault") return { kind: "fault", status: walked.status, rights: 0 };
  if ((walked.rights & want) === 0)
    return { kind: "fault", status: faultStatus.permission | walked.level, rights: walked.rights };
  const page: Page = { kind: "page", page: walked.page, rights: walked.rights, global: walked.global };
  if (cpu.stage1.regime.enabled)
    cpu.stage1.secondLevel.insert(pageNumber, cpu.stage1.asid, walked.blockBits, page);
  return page;
}

/** Bits 63:12 of an address, without a tag where the top byte is ignored. */
function pageNumberOf(cluster: Arm64Cluster, cpu: Arm64Cpu, va: bigint): number {
  const { memory } = cluster.engine;
  const low = memory.lowHalf(va);
  const high = memory.highHalf;
  const { topByteIgnored } = (high & (1 << 23)) !== 0 ? cpu.stage1.regime.high : cpu.stage1.regime.low;
  const top = topByteIgnored ? (high << 8) >> 8 : high;
  return (top >>> 0) * 0x10_0000 + (low >>> 12);
}

/** The address without a tag where the top byte is ignored, so that TLB maintenance finds it (Arm ARM D4.1.1). */
export function untagged(cpu: Arm64Cpu, va: bigint): bigint {
  const half = ((va >> 55n) & 1n) !== 0n ? cpu.stage1.regime.high : cpu.stage1.regime.low;
  return half.topByteIgnored ? BigInt.asUintN(64, BigInt.asIntN(56, va)) : va;
}

/** Stage 1 by the tables alone. */
export function walkStage1(cluster: Arm64Cluster, cpu: Arm64Cpu, va: bigint): Translation | WalkFault {
  const { words } = cluster.engine.memory;
  return walk(cpu.stage1.regime, va, (address) => {
    const host = cluster.physical.toHost(address);
    return host < 0 ? undefined : { low: words[host >>> 2] ?? 0, high: words[(host >>> 2) + 1] ?? 0 };
  });
}

/** Notes the data abort of an access. `cacheMaintenance` sets ISS.CM. */
export function noteDataAbort(
  cpu: Arm64Cpu,
  status: number,
  far: bigint,
  options: { readonly write: boolean; readonly cacheMaintenance?: boolean },
): void {
  const ec = cpu.registers.el === 0 ? exceptionClass.dataAbortLower : exceptionClass.dataAbortCurrent;
  const maintenance = options.cacheMaintenance === true ? dataAbort.cm | dataAbort.wnr : 0;
  const iss = status | (options.write ? dataAbort.wnr : 0) | maintenance;
  cpu.note({ kind: "exception", ec, iss, far: BigInt.asUintN(64, far), preferredReturn: "this" });
}
