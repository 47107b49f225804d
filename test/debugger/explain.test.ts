import { describe, expect, it } from "vitest";
import { exitJson, exitText } from "../../src/debugger/exitText.ts";
import { exitRules } from "../../src/debugger/rules.ts";
import { explain, explainAddress, type Finding } from "../../src/debugger/why.ts";
import { a64, bytesOf, CODE, DATA, debugCode } from "./support/code.ts";
import { pageTables, UPPER } from "./support/pages.ts";

const off = [a64.movz(0, 0x8400, 1), a64.movk(0, 8), a64.hvc];
const kindsOf = (findings: readonly Finding[]): readonly string[] => findings.map(({ kind }) => kind);
const textOf = (findings: readonly Finding[], kind: string): string =>
  findings.find((each) => each.kind === kind)?.text ?? "";

describe("the log of exits says what, where, whose, by which rule, and what came of it", () => {
  it("for each kind of debug event", async () => {
    const { session, vcpu, machine } = debugCode([
      a64.nop,
      a64.strw(0, 1),
      a64.brk(3),
      a64.str(0, 4),
      a64.nop,
      ...off,
    ]);
    const vectors = CODE + 0x800n;
    vcpu.setRegister("VBAR_EL1", vectors);
    vcpu.setRegister("x1", 0x900_0000n);
    vcpu.setRegister("x4", DATA);
    const skip = [a64.mrs(2, 0xc201), a64.add(2, 2, 4), a64.msr(0xc201, 2), a64.eret];
    machine.vm.writeMemory(vectors + 0x200n, bytesOf(skip));
    const lines: string[] = [];
    session.exits.listener = (record) => lines.push(exitJson(record));
    session.stepNow();
    session.breakpoints.add({ address: CODE + 4n, kind: "unseen" });
    session.breakpoints.add({ address: CODE + 8n, kind: "patched" });
    session.breakpoints.add({ address: CODE + 16n, kind: "hardware" });
    session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    while (session.status.kind !== "ended") await session.continue();
    const records = lines.map((line): Record<string, unknown> => JSON.parse(line));
    expect(records.map(({ rule, outcome }) => `${rule} ${outcome}`)).toEqual([
      "step stopped",
      "unseen stopped",
      "device resumed",
      "guard resumed",
      "planted stopped",
      "not-planted delivered",
      "watched stopped",
      "step-past resumed",
      "hardware stopped",
      "step-past resumed",
      "power stopped",
    ]);
    expect(records.map(({ owner }) => owner).filter((owner) => owner === "guest")).toHaveLength(1);
    expect(records[5]).toMatchObject({
      exit: "DEBUG",
      hsr: "0xf2000003",
      pc: "0x40000008",
      row: "S1.5, S1.6",
    });
    expect(records[6]).toMatchObject({ far: "0x40010000", pc: "0x4000000c" });
    // What debug exits cost is measured, but for steps.
    expect(typeof records[4]?.["cost"]).toBe("number");
    expect(records[0]).not.toHaveProperty("cost");
    expect(session.exits.count).toBe(records.length);
    const [last] = session.exits.last(1);
    if (last === undefined) throw new Error("no exits");
    expect(exitText(last, session.architecture)).toMatch(
      /^#11 \d+ ns cpu0 SYSTEM_EVENT: SHUTDOWN; machine: /,
    );
    const brk = session.exits.last(6)[0];
    if (brk === undefined) throw new Error("no exits");
    expect(exitText(brk, session.architecture)).toMatch(
      /cpu0 DEBUG at 0x40000008: BRK #0x3; guest: nobody planted .* \(not-planted, S1.5, S1.6\); delivered, \d+ ns$/,
    );
  });

  it("is bounded, and keeps the last", () => {
    const { session } = debugCode([a64.b(0)]);
    for (let n = 0; n < 5000; n++) session.stepNow();
    expect(session.exits.count).toBe(5000);
    const kept = session.exits.last(1e9);
    expect(kept.length).toBe(2048);
    expect([kept[0]?.number, kept.at(-1)?.number]).toEqual([5000 - 2047, 5000]);
  });

  it("has a rule with a row of the requirements for everything", () => {
    for (const rule of Object.values(exitRules)) expect(rule.row).toMatch(/^S\d(\.\d)?(, S\d\.\d)*$/);
  });
});

describe("why a breakpoint did not stop the guest", () => {
  const loop = [a64.add(0, 0, 1), a64.b(-1)];

  it("it was never reached, although its page was executed", () => {
    const { session } = debugCode([...loop, a64.nop]);
    const breakpoint = session.breakpoints.add({ address: CODE + 8n });
    session.resume(() => ({ kind: "continue" }));
    session.stop();
    const findings = explain(session, breakpoint);
    expect(kindsOf(findings)).toEqual(["planted", "never-reached", "executed"]);
    expect(textOf(findings, "executed")).toContain("page at 0x40000008 have been executed");
  });

  it("nothing of its page was ever executed", () => {
    const { session } = debugCode(loop);
    const breakpoint = session.breakpoints.add({ address: DATA });
    session.stepNow();
    expect(kindsOf(explain(session, breakpoint))).toEqual(["planted", "never-reached", "not-executed"]);
  });

  it("its condition was false, so many times; hits were ignored as asked; it is disabled", async () => {
    const { session, vcpu } = debugCode(loop);
    const breakpoint = session.breakpoints.add({
      address: CODE,
      condition: (each) => each.register("x0") >= 10n,
    });
    session.breakpoints.ignore(breakpoint, 5);
    await session.continue();
    expect(vcpu.register("x0")).toBe(15n);
    const findings = explain(session, breakpoint);
    expect(textOf(findings, "condition-false")).toBe(
      "its condition was false 10 times of 16, and the guest went on",
    );
    expect(textOf(findings, "ignored")).toBe("5 times the hit was ignored as asked; 0 more will be");
    session.breakpoints.enable(breakpoint, false);
    expect(kindsOf(explain(session, breakpoint))).toContain("disabled");
    session.resume(() => ({ kind: "continue" }));
    expect(session.status.kind).toBe("running");
    session.stop();
    session.breakpoints.enable(breakpoint, true);
    expect(await session.continue()).toMatchObject({ reason: { kind: "breakpoint" } });
  });

  it("the address is not mapped in this address space, or the MMU is off", () => {
    const { session, vcpu, machine } = debugCode(loop);
    const far = 0xffff_8000_0800_0000n;
    const breakpoint = session.breakpoints.add({ address: far });
    session.stepNow();
    expect(textOf(explain(session, breakpoint), "translation-off")).toBe(
      "the MMU of cpu0 is off: addresses are physical there, and 0xffff800008000000 is none",
    );
    pageTables(machine).enable(vcpu);
    expect(textOf(explain(session, breakpoint), "not-mapped")).toBe(
      "0xffff800008000000 is not mapped in the present address space of cpu0",
    );
    const device = session.breakpoints.add({ address: 0x900_0000n });
    expect(kindsOf(explain(session, device))).toContain("no-memory");
  });

  it("the guest has rewritten the text, or executes the memory under another address", async () => {
    const { session, vcpu, machine } = debugCode([
      a64.movz(1, 0x4000, 1),
      a64.str(3, 1, 0x40),
      a64.movz(4, 0, 0),
      a64.movk(4, 0xff80, 2),
      a64.movk(4, 0xffff, 3),
      a64.movk(4, 0x0080, 0),
      0xd61f0080, // BR X4
    ]);
    pageTables(machine).enable(vcpu);
    machine.vm.writeMemory(CODE + 0x80n, bytesOf([a64.nop, ...off]));
    const rewritten = session.breakpoints.add({ address: CODE + 0x40n });
    const alias = session.breakpoints.add({ address: CODE + 0x80n, kind: "patched" });
    vcpu.setRegister("x3", 0x1234_5678_9abc_def0n);
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(textOf(explain(session, rewritten), "text-changed")).toBe(
      "the text there has changed since it was planted: 00 00 00 00 then, f0 de bc 9a now",
    );
    expect(textOf(explain(session, alias), "elsewhere")).toContain(
      "executed once under another virtual address",
    );
    expect(UPPER).toBe(0xffff_ff80_0000_0000n);
  });

  it("the guest has a breakpoint of its own there", () => {
    const { session, vcpu } = debugCode([a64.brk(5), a64.nop]);
    vcpu.setRegister("DBGBVR3_EL1", CODE + 4n);
    vcpu.setRegister("DBGBCR3_EL1", 0x1e7n);
    expect(textOf(explainAddress(session, CODE), "guest-clash")).toContain(
      "a breakpoint instruction of its own",
    );
    expect(textOf(explainAddress(session, CODE + 4n), "guest-clash")).toContain("DBGBVR3_EL1 of cpu0");
    const breakpoint = session.breakpoints.add({ address: CODE, kind: "patched" });
    // What is planted is not taken for the guest's.
    expect(kindsOf(explain(session, breakpoint))).toContain("guest-clash");
    const other = session.breakpoints.add({ address: CODE + 8n, kind: "patched" });
    expect(kindsOf(explain(session, other))).not.toContain("guest-clash");
  });

  it("nothing is planted there, or not any more, or no instruction can begin there", () => {
    const { session } = debugCode(loop);
    expect(kindsOf(explainAddress(session, CODE))[0]).toBe("nothing-planted");
    const breakpoint = session.breakpoints.add({ address: CODE });
    session.breakpoints.remove(breakpoint);
    expect(kindsOf(explainAddress(session, CODE))).toContain("removed");
    expect(kindsOf(explainAddress(session, CODE + 2n))).toContain("no-instruction");
  });

  it("no vCPU can get there: all of them wait", () => {
    const { session } = debugCode([a64.wfi, a64.nop]);
    const breakpoint = session.breakpoints.add({ address: CODE + 4n });
    session.stepNow();
    expect(kindsOf(explain(session, breakpoint))).toContain("guest-stands");
  });

  it("a watchpoint tells whether such an access was made", async () => {
    const { session, vcpu } = debugCode([a64.str(0, 1), a64.b(-1)]);
    vcpu.setRegister("x1", DATA);
    const write = session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    const read = session.breakpoints.watch({ address: DATA, length: 8, access: "read" });
    await session.continue();
    expect(textOf(explain(session, write), "hit")).toMatch(/^it was hit once, the last time by cpu0 at 0 ns/);
    expect(textOf(explain(session, read), "never-reached")).toContain("made such an access");
  });
});
