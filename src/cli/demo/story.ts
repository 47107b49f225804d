import type { StopEvent } from "../../debugger/events.ts";
import type { DebugSession } from "../../debugger/session.ts";
import { hex } from "../show/number.ts";
import { showRegisters } from "../show/registers.ts";
import type { DemoGuest } from "./guest.ts";
import type { Transcript } from "./transcript.ts";
import { callStack, codeAroundPc, memoryAt } from "./views.ts";

/** The guest did not do what the story tells: a fault of ours. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

/** The guest's function that may write to `balance`, besides `main`, which opens the account. */
const ACCOUNTANTS = ["main", "post_entry"];

/** Tells the story of the guest in guests/arm64/demo: a sum that does not add up, and who spoils it. */
export async function tellStory(guest: DemoGuest, transcript: Transcript): Promise<void> {
  await powerOn(guest, transcript);
  await firstBreakpoint(guest, transcript);
  await wrongSum(guest, transcript);
  await watchTheBalance(guest, transcript);
  await theCulprit(guest, transcript);
  await powerOff(guest, transcript);
}

async function powerOn(guest: DemoGuest, transcript: Transcript): Promise<void> {
  const { session } = guest;
  await transcript.scene("Power on: an arm64 machine, stopped before its first instruction");
  transcript.command("disassemble");
  transcript.show(codeAroundPc(guest, 0, 3));
  transcript.say(
    `${session.symbols.linked?.size ?? 0} symbols are loaded; the MMU is off, nothing has run yet.`,
  );
}

async function firstBreakpoint(guest: DemoGuest, transcript: Transcript): Promise<void> {
  const { session } = guest;
  await transcript.scene("A breakpoint by symbol");
  transcript.command("break open_for_business");
  const breakpoint = session.breakpoints.add({ address: addressOf(session, "open_for_business") });
  transcript.say(`  planted at ${hex(breakpoint.address)} (${breakpoint.kind})`);
  transcript.command("continue");
  expectStop(await session.continue(), "breakpoint");
  session.breakpoints.remove(breakpoint);
  stoppedAt(guest, transcript, "breakpoint");
  transcript.command("registers");
  transcript.show(showRegisters(session.current));
  transcript.command("disassemble");
  transcript.show(codeAroundPc(guest, 1, 4));
  transcript.command("backtrace");
  transcript.show(callStack(guest));
}

async function wrongSum(guest: DemoGuest, transcript: Transcript): Promise<void> {
  const { session } = guest;
  await transcript.scene("Something is wrong with the books");
  transcript.command("until audit");
  expectStop(await session.runTo("audit"), "breakpoint");
  stoppedAt(guest, transcript, "breakpoint");
  transcript.command("print balance");
  transcript.say(`  balance = ${balance(session)}`);
  transcript.say(
    "1000 + 250 - 30 + 305 + 80 is 1605: coins are missing, and all lines that mention balance are right.",
  );
}

async function watchTheBalance(guest: DemoGuest, transcript: Transcript): Promise<void> {
  const { session, source } = guest;
  await transcript.scene("Start again and watch every write to balance");
  transcript.command("reset");
  session.reset();
  transcript.command("watch balance");
  session.breakpoints.watch({ address: addressOf(session, "balance"), length: 8, access: "write" });
  for (;;) {
    transcript.command("continue");
    const stop = expectStop(await session.continue(), "watchpoint");
    const writer = functionAt(session, session.current.pc);
    const address = stop.reason.kind === "watchpoint" ? stop.reason.address : 0n;
    transcript.say(
      `  ${writer} is about to write to ${hex(address)}: balance = ${balance(session)}   ${source(session.current.pc)?.text ?? ""}`,
    );
    if (ACCOUNTANTS.includes(writer)) continue;
    transcript.found(`  ${writer} is no accountant: here is the write that spoils it.`);
    return;
  }
}

async function theCulprit(guest: DemoGuest, transcript: Transcript): Promise<void> {
  const { session, source } = guest;
  const receipt = addressOf(session, "receipt");
  await transcript.scene("Caught in the act, before the write");
  stoppedAt(guest, transcript, "watchpoint");
  transcript.command("backtrace");
  transcript.show(callStack(guest));
  transcript.command("disassemble");
  transcript.show(codeAroundPc(guest, 3, 2));
  transcript.command("print x8");
  transcript.say(
    `  x8 = ${hex(session.current.register("x8"))}, the end of receipt[16] and the first byte of balance`,
  );
  transcript.command("memory receipt 24");
  transcript.show(memoryAt(session, receipt, 24));
  for (let n = 0; n < 3; n++) {
    transcript.command("step");
    expectStop(await session.step(), "step");
    const [instruction = ""] = codeAroundPc(guest, 0, 0).slice(-1);
    transcript.show([`${instruction.padEnd(56)} ${source(session.current.pc)?.place ?? ""}`]);
    if (n === 0) {
      transcript.command("memory receipt 24");
      transcript.show(memoryAt(session, receipt, 24));
      transcript.found(
        `  "Radia J. Perlman" has 16 letters; the zero behind them fell on balance: ${balance(session)}.`,
      );
    }
  }
}

async function powerOff(guest: DemoGuest, transcript: Transcript): Promise<void> {
  const { session } = guest;
  await transcript.scene("Let it go");
  transcript.command("delete");
  session.breakpoints.clear();
  transcript.command("continue");
  const end = await session.continue();
  if (end.kind !== "ended" || end.reason !== "power-off") throw new DemoError(`it ended by ${describe(end)}`);
  const { machine } = session;
  transcript.say(
    `The guest has powered off after ${guest.instructions().toLocaleString("en")} instructions, ` +
      `${machine.exitCounts.MMIO} device accesses and ${machine.exitCounts.DEBUG} debug exits, two runs together.`,
  );
  transcript.say("\nYour turn:  vmexit run IMAGE   vmexit run IMAGE --gdb --wait   vmexit --help");
}

function addressOf(session: DebugSession, name: string): bigint {
  const address = session.symbols.addressOf(name, session.current);
  if (address === undefined) throw new DemoError(`the guest has no symbol ${name}`);
  return address;
}

function functionAt(session: DebugSession, address: bigint): string {
  return session.symbols.table(session.current)?.locate(address)?.symbol.name ?? hex(address);
}

function balance(session: DebugSession): bigint {
  return BigInt.asIntN(64, session.current.readInteger(addressOf(session, "balance"), 8));
}

function stoppedAt({ session, source }: DemoGuest, transcript: Transcript, why: string): void {
  const { pc } = session.current;
  const line = source(pc);
  const where = line === undefined ? "" : ` at ${line.place}:  ${line.text}`;
  transcript.say(`  ${why}: cpu0 in ${session.symbols.describe(pc, session.current) ?? hex(pc)}${where}`);
}

function describe(event: StopEvent): string {
  return event.kind === "stopped" ? event.reason.kind : event.reason;
}

function expectStop(event: StopEvent, kind: string): Extract<StopEvent, { kind: "stopped" }> {
  if (event.kind === "stopped" && event.reason.kind === kind) return event;
  throw new DemoError(`expected to stop at a ${kind}, but it was ${describe(event)}`);
}
