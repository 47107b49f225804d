import type { RegisterAccess } from "../../debugger/architecture.ts";
import { arm64DebugArchitecture } from "../../debugger/arm64/architecture.ts";
import type { ArchitectureDescription } from "../architecture.ts";
import { arm64Architecture } from "../arm64/architecture.ts";
import type { MonitorCommand } from "./monitor/command.ts";

/** The registers of a debugged vCPU as gdb knows them. */
export interface TargetRegisters {
  /** It may become another one, whose numbers are in `byNumber` too. */
  readonly description: ArchitectureDescription;
  /** By protocol number. */
  readonly byNumber: ReadonlyMap<number, RegisterAccess>;
  /** `monitor` commands that only this architecture has. */
  readonly commands?: readonly MonitorCommand[] | undefined;
}

/** arm64's: the core and FPU features, and all system registers in one of our own. */
export function arm64TargetRegisters(): TargetRegisters {
  const { registers } = arm64DebugArchitecture;
  const system = [...registers.values()].filter(({ group }) => group === "system");
  const description = arm64Architecture(system.map(({ name }) => ({ name, bits: 64 })));
  const byNumber = new Map<number, RegisterAccess>();
  for (const { name, regnum } of description.features.flatMap((feature) => feature.registers)) {
    const access = registers.get(name);
    if (access !== undefined) byNumber.set(regnum, access);
  }
  return { description, byNumber };
}

/** Puts an unsigned value into bytes, lowest first. */
export function storeLittle(value: bigint, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  switch (into.length) {
    case 8:
      view.setBigUint64(0, value, true);
      return;
    case 4:
      view.setUint32(0, Number(value), true);
      return;
    default:
      for (let at = 0, rest = value; at < into.length; at++, rest >>= 8n) into[at] = Number(rest & 0xffn);
  }
}

/** The unsigned value of bytes, lowest first. */
export function loadLittle(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
