import type { Breakpoint, Watchpoint } from "./breakpoint.ts";
import type { DebugSession } from "./session.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** What a finding is about. */
export type FindingKind =
  | "planted"
  | "removed"
  | "disabled"
  | "hit"
  | "never-reached"
  | "condition-false"
  | "ignored"
  | "elsewhere"
  | "not-mapped"
  | "no-memory"
  | "text-changed"
  | "text-replaced"
  | "not-executed"
  | "executed"
  | "guest-clash"
  | "moved"
  | "perhaps-moved"
  | "translation-off"
  | "no-instruction"
  | "nothing-planted"
  | "guest-stands";

/** One piece of evidence. */
export interface Finding {
  readonly kind: FindingKind;
  /** A line for the user. */
  readonly text: string;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const times = (count: number): string => (count === 1 ? "once" : `${count} times`);
const bytesText = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** Why a breakpoint or watchpoint did or did not stop the guest: what is known of it, as evidence. */
export function explain(session: DebugSession, which: Breakpoint | Watchpoint): readonly Finding[] {
  const isWatchpoint = "registers" in which;
  const isRemoved = session.breakpoints.removed.includes(which);
  return [
    ...planting(which, isRemoved),
    ...history(which, session),
    ...(isWatchpoint ? [] : ofAddress(session, which.address, which)),
    ...ofVcpus(session),
  ];
}

/** Why the guest does not stop at an address, whether or not something is planted there. */
export function explainAddress(session: DebugSession, address: bigint): readonly Finding[] {
  const { breakpoints } = session;
  const covers = (each: Watchpoint): boolean =>
    address >= each.address && address < each.address + BigInt(each.length);
  const here = [
    ...breakpoints.breakpoints.filter((each) => each.address === address),
    ...breakpoints.watchpoints.filter(covers),
  ];
  if (here.length > 0) return here.flatMap((each) => explain(session, each));
  const gone = breakpoints.removed.filter((each) =>
    "registers" in each ? covers(each) : each.address === address,
  );
  if (gone.length > 0) return gone.flatMap((each) => explain(session, each));
  return [
    finding("nothing-planted", `nothing is planted at ${hex(address)}, and nothing was`),
    ...ofAddress(session, address, undefined),
    ...ofVcpus(session),
  ];
}

function finding(kind: FindingKind, text: string): Finding {
  return { kind, text };
}

function planting(which: Breakpoint | Watchpoint, isRemoved: boolean): readonly Finding[] {
  const name =
    "registers" in which
      ? `watchpoint ${which.number} for ${which.access === "access" ? "reads and writes" : `${which.access}s`} of ${which.length} bytes at ${hex(which.address)}`
      : `${which.kind} breakpoint ${which.number} at ${hex(which.address)}`;
  const findings = [finding("planted", `${name}, planted at ${which.history.since} ns`)];
  if (isRemoved)
    findings.push(
      finding(
        "removed",
        "it is taken out now: gdb does so while the guest is stopped, and when it is disabled or deleted",
      ),
    );
  if ("kind" in which && !which.enabled) findings.push(finding("disabled", "it is disabled"));
  return findings;
}

function history(which: Breakpoint | Watchpoint, session: DebugSession): readonly Finding[] {
  const { hits, conditionFalse, ignored, last, elsewhere, replaced, since } = which.history;
  const findings: Finding[] = [];
  if (hits > 0 && last !== undefined)
    findings.push(
      finding("hit", `it was hit ${times(hits)}, the last time by cpu${last.vcpu} at ${last.time} ns`),
    );
  else
    findings.push(
      finding(
        "never-reached",
        `no vCPU has ${"registers" in which ? "made such an access" : "reached it"} since (${session.machine.now - since} ns)`,
      ),
    );
  if (conditionFalse > 0)
    findings.push(
      finding(
        "condition-false",
        `its condition was false ${times(conditionFalse)} of ${hits}, and the guest went on`,
      ),
    );
  if (ignored > 0 || ("kind" in which && which.ignore > 0)) {
    const left = "kind" in which ? which.ignore : 0;
    findings.push(finding("ignored", `${times(ignored)} the hit was ignored as asked; ${left} more will be`));
  }
  if (replaced > 0)
    findings.push(
      finding(
        "text-replaced",
        `the guest put other text or other memory under it ${times(replaced)}; it was planted there again`,
      ),
    );
  if (elsewhere > 0)
    findings.push(
      finding(
        "elsewhere",
        `the same memory was executed ${times(elsewhere)} under another virtual address, which is not where it is planted`,
      ),
    );
  return findings;
}

/** What is at an address, and what of it keeps the guest from stopping there. */
function ofAddress(
  session: DebugSession,
  address: bigint,
  breakpoint: Breakpoint | undefined,
): readonly Finding[] {
  const { architecture, memory, current } = session;
  if (address % BigInt(architecture.instructionAlignment) !== 0n)
    return [finding("no-instruction", `no instruction can begin at ${hex(address)}`)];
  return [
    ...ofPlacement(session, address),
    ...ofMapping(session, address),
    ...(breakpoint === undefined ? [] : ofText(session, breakpoint)),
    ...clashes(session, address, memory.readVirtual(current.kvm, address, new Uint8Array(1)) === 1),
  ];
}

/** KASLR. */
function ofPlacement({ symbols, current }: DebugSession, address: bigint): readonly Finding[] {
  if (!symbols.isLinkAddress(address)) return [];
  const slide = symbols.slide(current);
  if (slide === 0n) return [];
  const name = symbols.linked?.describe(address) ?? "code";
  if (slide === undefined) {
    return [
      finding(
        "perhaps-moved",
        `${hex(address)} is where ${name} was linked; it is not known yet whether the kernel runs there (KASLR)`,
      ),
    ];
  }
  const runsAt = hex(BigInt.asUintN(64, address + slide));
  return [finding("moved", `${hex(address)} is where ${name} was linked; KASLR has moved it to ${runsAt}`)];
}

function ofMapping(session: DebugSession, address: bigint): readonly Finding[] {
  const { vcpus, memory, machine, architecture } = session;
  const on = vcpus.filter(({ state }) => state !== "off");
  const seen = on.map((vcpu) => ({ vcpu, found: vcpu.kvm.translate(address) }));
  const without = seen.filter(({ found }) => found === undefined);
  const findings: Finding[] = [];
  const names = (list: readonly { readonly vcpu: DebuggedVcpu }[]): string =>
    list.map(({ vcpu }) => `cpu${vcpu.id}`).join(", ");
  if (without.length > 0) {
    const untranslated = without.filter(({ vcpu }) => !architecture.observe(vcpu.kvm).translated);
    findings.push(
      untranslated.length > 0
        ? finding(
            "translation-off",
            `the MMU of ${names(untranslated)} is off: addresses are physical there, and ${hex(address)} is none`,
          )
        : finding(
            "not-mapped",
            `${hex(address)} is not mapped in the present address space of ${names(without)}`,
          ),
    );
  }
  const mapped = seen.find(({ found }) => found !== undefined);
  if (mapped?.found === undefined) return findings;
  const physical = mapped.found.physicalAddress;
  if (memory.memoryAt(mapped.vcpu.kvm, address) === undefined) {
    findings.push(finding("no-memory", `${hex(address)} is mapped to ${hex(physical)}, where no memory is`));
    return findings;
  }
  const executed = machine.vm.executed?.(physical);
  if (executed === false)
    findings.push(
      finding("not-executed", `no instruction of the page at ${hex(physical)} has been executed`),
    );
  else if (executed === true)
    findings.push(finding("executed", `instructions of the page at ${hex(physical)} have been executed`));
  return findings;
}

/** Whether the guest has the same text there as when the breakpoint was planted. */
function ofText({ memory, current }: DebugSession, { address, text }: Breakpoint): readonly Finding[] {
  const now = new Uint8Array(text?.length ?? 4);
  if (memory.readVirtual(current.kvm, address, now) < now.length) return [];
  if (text === undefined)
    return [finding("text-changed", `nothing was mapped there when it was planted; now: ${bytesText(now)}`)];
  return text.every((byte, n) => byte === now[n])
    ? []
    : [
        finding(
          "text-changed",
          `the text there has changed since it was planted: ${bytesText(text)} then, ${bytesText(now)} now`,
        ),
      ];
}

/** The guest's own breakpoints at the same place. */
function clashes(session: DebugSession, address: bigint, isReadable: boolean): readonly Finding[] {
  const { architecture, memory, current, vcpus } = session;
  const findings: Finding[] = [];
  const bytes = new Uint8Array(architecture.breakpointInstruction.length);
  if (isReadable && memory.readVirtual(current.kvm, address, bytes) === bytes.length) {
    if (architecture.isBreakpointInstruction?.(bytes) === true)
      findings.push(
        finding(
          "guest-clash",
          "the guest has a breakpoint instruction of its own there: yours stops first, and the guest gets its own when it goes on",
        ),
      );
  }
  for (const vcpu of vcpus) {
    for (const { register, address: own } of architecture.guestBreakpoints?.(vcpu.kvm) ?? []) {
      if (own !== address) continue;
      findings.push(
        finding(
          "guest-clash",
          `the guest's own ${register} of cpu${vcpu.id} matches there: yours stops first, and the guest gets its own when it goes on`,
        ),
      );
    }
  }
  return findings;
}

/** Whether anybody could get anywhere. */
function ofVcpus({ vcpus }: DebugSession): readonly Finding[] {
  return vcpus.some(({ state }) => state === "running")
    ? []
    : [finding("guest-stands", "no vCPU runs: all of them wait or are off")];
}
