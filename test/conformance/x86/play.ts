import { KvmError } from "../../../src/kvm/errors.ts";
import type { X86Exit } from "../../../src/kvm/exits.ts";
import { addressOf } from "./environment.ts";
import type { GuestCode } from "./guest.ts";
import type { Ending, Scenario } from "./scenario.ts";
import { begin, guestDebugOf, type Subject } from "./subject.ts";

/** What a run showed, in the words of `Scenario`. */
export interface Performance {
  readonly sees: readonly (readonly string[])[];
  readonly ends: Ending;
}

const resumeFlag = 0x1_0000n;
const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** Plays a scenario; each act ends after as many exits as it expects. */
export function play(subject: Subject, scenario: Scenario, code: GuestCode): Performance {
  begin(subject, scenario, code);
  let ended = false;
  const sees = scenario.acts.map(({ debug, resumeFlag: resume, jump, sees: expected }) => {
    if (ended) return [];
    if (jump !== undefined) subject.setRegs({ ...subject.getRegs(), rip: BigInt(addressOf(code, jump)) });
    if (resume === true) {
      const regs = subject.getRegs();
      subject.setRegs({ ...regs, rflags: regs.rflags | resumeFlag });
    }
    const refusal = debug && refusalOf(() => subject.setGuestDebug(guestDebugOf(debug, code)));
    if (refusal !== undefined) {
      ended = true;
      return [refusal];
    }
    const seen: string[] = [];
    while (seen.length < expected.length && !ended) {
      const exit = runOnce(subject);
      if (typeof exit === "string") {
        ended = true;
        seen.push(exit);
        break;
      }
      seen.push(describe(exit, subject, code));
      answer(exit, subject, scenario.answer ?? 0);
      ended = isEnd(exit);
    }
    return seen;
  });
  return { sees, ends: ending(subject, scenario, code) };
}

/** What a refused call says. */
function refusalOf(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof KvmError) return `refused: ${error.errno}`;
    throw error;
  }
}

function runOnce(subject: Subject): X86Exit | string {
  let exit: X86Exit | undefined;
  const refusal = refusalOf(() => {
    exit = subject.run();
  });
  return exit ?? refusal ?? "nothing";
}

function isEnd({ reason }: X86Exit): boolean {
  return reason === "SHUTDOWN" || reason === "INTERNAL_ERROR" || reason === "FAIL_ENTRY" || reason === "INTR";
}

function answer(exit: X86Exit, subject: Subject, byte: number): void {
  if (exit.reason === "IO" && !exit.isWrite) exit.data.fill(byte, 0, exit.size * exit.count);
  if (exit.reason === "MMIO" && !exit.isWrite) subject.completeMmio(0x0101_0101_0101_0101n * BigInt(byte));
}

function describe(exit: X86Exit, subject: Subject, code: GuestCode): string {
  switch (exit.reason) {
    case "IO": {
      const bytes = Buffer.from(exit.data.subarray(0, exit.size * exit.count)).toString("hex");
      return exit.isWrite
        ? `out ${hex(exit.port)} ${bytes}`
        : `in ${hex(exit.port)} × ${exit.size * exit.count}`;
    }
    case "MMIO": {
      const digits = exit.data.toString(16).padStart(2 * exit.length, "0");
      return exit.isWrite
        ? `write ${hex(exit.address)} ${digits}`
        : `read ${hex(exit.address)} × ${exit.length}`;
    }
    case "DEBUG":
      return `${debugEvent(exit.arch.exception, exit.arch.dr6)} at ${nameOf(exit.arch.pc, code)}`;
    case "HLT":
      return "hlt";
    case "SHUTDOWN":
      return "shutdown";
    case "INTERNAL_ERROR":
      return `error at ${nameOf(linearPc(subject), code)}`;
    case "INTR":
      return "runs on";
    case "HYPERCALL":
    case "SYSTEM_EVENT":
    case "FAIL_ENTRY":
    case "IRQ_WINDOW_OPEN":
      return exit.reason;
    case "OTHER":
      return `exit ${exit.exitReason}`;
  }
}

/** DR6: BS, BD, B0–B3, and the bits that are always one (SDM volume 3, 18.2.3). */
const bs = 0x4000n;
const bd = 0x2000n;
const alwaysOne = 0xffff_0ff0n;

function debugEvent(exception: number, dr6: bigint): string {
  if (exception === 3) return "int3";
  const events = [
    ...[0, 1, 2, 3].filter((i) => (dr6 & (1n << BigInt(i))) !== 0n).map((i) => `hardware ${i}`),
    ...((dr6 & bs) !== 0n ? ["step"] : []),
    ...((dr6 & bd) !== 0n ? ["access"] : []),
  ];
  const rest = dr6 & ~(bs | bd | 0xfn);
  if (exception !== 1 || rest !== alwaysOne || events.length === 0)
    return `exception ${exception} dr6 ${hex(dr6)}`;
  return events.join(" and ");
}

function linearPc(subject: Subject): bigint {
  const { cs } = subject.getSregs();
  return subject.getRegs().rip + (cs.l === 1 ? 0n : cs.base);
}

function nameOf(address: bigint, code: GuestCode): string {
  const known = Object.entries(code.labels).find(([, at]) => BigInt(at) === address);
  return known?.[0] ?? hex(address);
}

/** What the scenario asks about, as it is. Labels stay labels where they are right. */
function ending(subject: Subject, { ends = {} }: Scenario, code: GuestCode): Ending {
  const asAsked = (value: bigint, asked: bigint | string): bigint | string =>
    typeof asked === "string" ? nameOf(value, code) : value;
  const regs: Readonly<Record<string, bigint>> = subject.getRegs();
  const registers =
    ends.registers &&
    Object.fromEntries(
      Object.entries(ends.registers).map(([name, asked]) => [name, asAsked(regs[name] ?? 0n, asked)]),
    );
  const memory =
    ends.memory &&
    Object.fromEntries(
      Object.entries(ends.memory).map(([at, asked]) => {
        const address = at.startsWith("0x") ? BigInt(at) : BigInt(addressOf(code, at));
        const bytes = subject.readMemory(address, 8);
        return [at, asAsked(new DataView(bytes.buffer).getBigUint64(0, true), asked)];
      }),
    );
  return {
    ...(registers && { registers }),
    ...(memory && { memory }),
    ...(ends.dr6 !== undefined && { dr6: subject.getDebugRegs().dr6 }),
  };
}
