import type { KvmExit, X86Exit } from "../kvm/exits.ts";
import type { DebugArchitecture } from "./architecture.ts";
import type { ExitRecord } from "./exitLog.ts";
import { exitRules } from "./rules.ts";

/** What an exit says besides its reason: names and values, numbers that are addresses or data in hexadecimal. */
export function exitDetails(exit: KvmExit | X86Exit): Readonly<Record<string, string | number>> {
  const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
  switch (exit.reason) {
    case "MMIO":
      return exit.isWrite
        ? { access: "write", address: hex(exit.address), length: exit.length, data: hex(exit.data) }
        : { access: "read", address: hex(exit.address), length: exit.length };
    case "IO":
      return {
        access: exit.isWrite ? "write" : "read",
        port: hex(exit.port),
        size: exit.size,
        count: exit.count,
        ...(exit.isWrite ? { data: hexBytes(exit.data.subarray(0, exit.size * exit.count)) } : {}),
      };
    case "DEBUG":
      return "hsr" in exit.arch
        ? {
            hsr: hex(exit.arch.hsr),
            far: hex(exit.arch.far),
            ...("unseen" in exit && exit.unseen === true ? { unseen: 1 } : {}),
          }
        : { exception: exit.arch.exception, dr6: hex(exit.arch.dr6), dr7: hex(exit.arch.dr7) };
    case "SYSTEM_EVENT":
      return { type: exit.type };
    case "HYPERCALL":
      return { function: hex(exit.number) };
    case "HALTED":
      return { until: exit.until };
    case "INTERNAL_ERROR":
      return { message: exit.message };
    case "FAIL_ENTRY":
      return { hardwareReason: hex(exit.hardwareEntryFailureReason) };
    case "OTHER":
      return { exitReason: exit.exitReason };
    case "HLT":
    case "SHUTDOWN":
    case "IRQ_WINDOW_OPEN":
    case "INTR":
      return {};
  }
}

const hexBytes = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A record as one line of JSON, without the newline. `cost` is the only thing that differs from run to run. */
export function exitJson(record: ExitRecord): string {
  const { number, time, vcpu, exit, pc, rule, outcome, cost } = record;
  const { owner, row } = exitRules[rule];
  return JSON.stringify({
    number,
    time,
    vcpu,
    exit: exit.reason,
    ...exitDetails(exit),
    ...(pc === undefined ? {} : { pc: `0x${pc.toString(16)}` }),
    owner,
    rule,
    row,
    outcome,
    ...(cost === undefined ? {} : { cost }),
  });
}

/** A record as a line for the user. */
export function exitText(record: ExitRecord, architecture: DebugArchitecture): string {
  const { number, time, vcpu, exit, pc, rule, outcome, cost } = record;
  const { owner, row, says } = exitRules[rule];
  const what =
    exit.reason === "DEBUG"
      ? (architecture.describe?.(exit) ?? Object.values(exitDetails(exit)).join(" "))
      : Object.values(exitDetails(exit)).join(" ");
  const where = pc === undefined ? "" : ` at 0x${pc.toString(16)}`;
  const took = cost === undefined ? "" : `, ${cost} ns`;
  return `#${number} ${time} ns cpu${vcpu} ${exit.reason}${where}: ${what}; ${owner}: ${says} (${rule}, ${row}); ${outcome}${took}`;
}
