import type { DebugSession } from "../../debugger/session.ts";
import type { DebuggedVcpu } from "../../debugger/vcpu.ts";
import { showDisassembly } from "../show/disassembly.ts";
import { showMemory } from "../show/memory.ts";
import { hex } from "../show/number.ts";
import type { DemoGuest } from "./guest.ts";

/** The vCPU's code around its PC. */
export function codeAroundPc({ session }: DemoGuest, before: number, after: number): string[] {
  const vcpu = session.current;
  const { pc } = vcpu;
  const view = {
    read: (address: bigint, length: number) => readOrNothing(vcpu, address, length),
    describe: (address: bigint) => session.symbols.describe(address, vcpu),
  };
  return showDisassembly(view, pc - BigInt(before * 4), before + 1 + after, pc);
}

/** The call stack, with source lines. */
export function callStack({ session, source }: DemoGuest): string[] {
  return session.symbols.backtrace(session.current).frames.map((frame, depth) => {
    const name = frame.location?.symbol.name ?? "?";
    // A return address is behind the call.
    const place = source(depth === 0 ? frame.pc : frame.pc - 4n)?.place;
    return `#${depth} ${hex(frame.pc, 16)} ${name.padEnd(18)}${place === undefined ? "" : ` at ${place}`}`;
  });
}

/** Bytes of guest memory from a symbol on. */
export function memoryAt(session: DebugSession, address: bigint, length: number): string[] {
  return showMemory(address, session.current.readMemory(address, length));
}

function readOrNothing(vcpu: DebuggedVcpu, address: bigint, length: number): Uint8Array | undefined {
  return vcpu.translate(address) === undefined ? undefined : vcpu.readMemory(address, length);
}
