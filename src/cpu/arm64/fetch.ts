import type { Arm64Cluster } from "./cluster.ts";
import type { Arm64Cpu } from "./cpu.ts";
import { exceptionClass, faultStatus } from "./syndrome.ts";
import { translate, untagged } from "./translate.ts";

/** Translates a fetch: address of the page's decoded records, or 0 after noting what happens instead. */
export function fetchPage(cluster: Arm64Cluster, cpu: Arm64Cpu, address: bigint): number {
  const { registers } = cpu;
  const va = BigInt.asUintN(64, address);
  // A branch to a tagged address loads PC with its sign-extension where the top byte is ignored (Arm ARM D4.1.1, BranchToAddr).
  const canonical = untagged(cpu, va);
  if (canonical !== va) {
    registers.pc = canonical;
    cpu.note({ kind: "retry" });
    return 0;
  }
  if ((va & 3n) !== 0n) {
    cpu.note({ kind: "exception", ec: exceptionClass.pcAlignment, iss: 0, far: va, preferredReturn: "this" });
    return 0;
  }
  const page = translate(cluster, cpu, va, "execute", registers.el);
  const ec =
    registers.el === 0 ? exceptionClass.instructionAbortLower : exceptionClass.instructionAbortCurrent;
  if (page.kind === "fault") {
    cpu.note({ kind: "exception", ec, iss: page.status, far: va, preferredReturn: "this" });
    return 0;
  }
  const host = cluster.physical.toHost(page.page);
  if (host < 0) {
    const iss = faultStatus.translation | 1;
    cpu.note({
      kind: "trap",
      ec: exceptionClass.instructionAbortLower,
      iss,
      far: va,
      ipa: page.page + Number(va & 0xfffn),
      preferredReturn: "this",
    });
    return 0;
  }
  const fresh = !cluster.engine.code.holdsCode(host >>> 12);
  const records = cluster.engine.code.records(host);
  if (fresh) cluster.engine.tlb.withholdPage(host);
  for (const breakpoint of cpu.debug.breakpointsInPage(va))
    cluster.engine.code.mark(host + Number(breakpoint & 0xfffn));
  cluster.engine.tlb.fillFetch(
    cpu.stage1.context(registers.el),
    va,
    records,
    page.global ? -1 : cpu.stage1.asid,
  );
  return records;
}
