import { describe, expect, it } from "vitest";
import type { SessionEvent } from "../../src/debugger/events.ts";
import type { Host } from "../../src/debugger/host.ts";
import { a64, bytesOf, CODE, debugCode } from "./support/code.ts";
import { debugOwnGuest } from "./support/guest.ts";

const counter = [a64.add(0, 0, 1), a64.add(1, 1, 1), a64.b(-2)];

describe("a session", () => {
  it("begins stopped at the first instruction and runs the guest to its end", async () => {
    const { session, printed, expected } = await debugOwnGuest("demo");
    expect(session.status).toEqual({ kind: "stopped", vcpu: 0, reason: { kind: "reset" } });
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(printed()).toBe(expected);
  });
  it("finds who wrote to balance", async () => {
    const { session, address, symbols } = await debugOwnGuest("demo");
    const balance = address("balance");
    const watchpoint = session.breakpoints.watch({ address: balance, length: 8, access: "write" });
    const writers: string[] = [];
    for (;;) {
      const stop = await session.continue();
      if (stop.kind === "ended") break;
      expect(stop.reason).toMatchObject({ kind: "watchpoint", watchpoints: [watchpoint], access: "write" });
      writers.push(symbols.locate(session.current.pc)?.symbol.name ?? "?");
    }
    expect(writers).toEqual(["main", "post_entry", "post_entry", "post_entry", "copy_text", "post_entry"]);
  });

  it("tells its listeners of runs and stops, in order", async () => {
    const { session } = debugCode(counter);
    const events: SessionEvent[] = [];
    const unsubscribe = session.subscribe((event) => events.push(event));
    session.breakpoints.add({ address: CODE + 8n });
    await session.continue();
    session.stepNow();
    unsubscribe();
    session.stepNow();
    expect(events.map((event) => (event.kind === "stopped" ? event.reason.kind : event.kind))).toEqual([
      "running",
      "breakpoint",
      "running",
      "step",
    ]);
  });

  it("lets the event loop run while the guest does, and stops when asked", async () => {
    const { session, vcpu } = debugCode(counter);
    const stopped = session.continue();
    let turns = 0;
    for (; turns < 20; turns++) await new Promise(setImmediate);
    expect(session.status).toEqual({ kind: "running" });
    const before = vcpu.register("x0");
    expect(before).toBeGreaterThan(1000n);
    session.stop();
    expect(await stopped).toEqual({ kind: "stopped", vcpu: 0, reason: { kind: "interrupt" } });
    expect(vcpu.register("x0")).toBe(before);
    session.stop();
    await new Promise(setImmediate);
    expect(vcpu.register("x0")).toBe(before);
  });

  it("refuses what is for a stopped guest while it runs", async () => {
    const { session } = debugCode(counter);
    session.resume(() => ({ kind: "continue" }));
    expect(() => session.stepNow()).toThrow("the guest is running; stop it first");
    await expect(session.continue()).rejects.toThrow("the guest is running");
    await expect(session.runTo(CODE)).rejects.toThrow("the guest is running");
    session.stop();
  });

  it("sleeps while the guest waits for ever, and wakes with its input", async () => {
    const { session, machine, vcpu } = debugCode([a64.wfi, a64.b(-1)]);
    session.resume(() => ({ kind: "continue" }));
    for (let n = 0; n < 3; n++) await new Promise(setImmediate);
    const time = machine.now;
    for (let n = 0; n < 3; n++) await new Promise(setImmediate);
    expect(machine.now).toBe(time);
    expect(vcpu.state).toBe("waiting");
    session.wake();
    for (let n = 0; n < 3; n++) await new Promise(setImmediate);
    expect(session.status.kind).toBe("running");
    session.stop();
    expect(session.status).toMatchObject({ kind: "stopped", reason: { kind: "interrupt" } });
  });

  it("keeps virtual time from running ahead when it is told to", async () => {
    let now = 0;
    const sleeps: number[] = [];
    const callbacks: (() => void)[] = [];
    const host: Host = {
      now: () => now,
      defer: (callback) => {
        callbacks.push(callback);
      },
      delay: (milliseconds, callback) => {
        sleeps.push(milliseconds);
        now += milliseconds;
        callbacks.push(callback);
      },
    };
    const { session, machine } = await debugOwnGuest("timer", { host, pace: "wall-clock" });
    session.resume(() => ({ kind: "continue" }));
    for (let n = 0; session.status.kind === "running" && n < 1000; n++) callbacks.shift()?.();
    expect(session.status).toEqual({ kind: "ended", reason: "power-off" });
    const virtual = machine.now / 1e6;
    expect(virtual).toBeGreaterThan(50);
    // Nearly all of the guest's time is waiting, and that has been slept.
    expect(sleeps.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(virtual * 0.9);
    expect(Math.max(...sleeps)).toBeLessThanOrEqual(20);
  });

  it("starts a guest again that resets itself, with breakpoints in place", async () => {
    const reset = [a64.movz(0, 0x8400, 1), a64.movk(0, 9), a64.hvc];
    const { session, vcpu } = debugCode(reset);
    const events: string[] = [];
    session.subscribe(({ kind }) => events.push(kind));
    let times = 0;
    session.breakpoints.add({ address: CODE + 4n, kind: "patched", condition: () => ++times === 3 });
    await session.continue();
    expect(events).toEqual(["running", "guest-reset", "guest-reset", "stopped"]);
    expect([vcpu.pc, vcpu.register("x0")]).toEqual([CODE + 4n, 0x8400_0000n]);
  });

  it("stops at the first instruction when it is told to stop at resets", async () => {
    const reset = [a64.movz(0, 0x8400, 1), a64.movk(0, 9), a64.hvc];
    const { session, vcpu } = debugCode(reset, { onReset: "stop" });
    expect(await session.continue()).toEqual({ kind: "stopped", vcpu: 0, reason: { kind: "reset" } });
    expect([vcpu.pc, vcpu.register("x0")]).toEqual([CODE, 0n]);
  });

  it("stops where the machine cannot go on, and leaves the guest as it was", async () => {
    const { session, vcpu, machine } = debugCode([a64.movz(3, 7), a64.nop, a64.b(0)]);
    machine.board.bus.read = () => {
      throw new Error("the bus is on fire");
    };
    machine.vm.writeMemory(CODE + 4n, bytesOf([a64.ldr(1, 2)]));
    vcpu.setRegister("x2", 0x900_0000n);
    const stop = await session.continue();
    expect(stop).toMatchObject({ kind: "stopped", reason: { kind: "failure" } });
    if (stop.kind === "stopped" && stop.reason.kind === "failure")
      expect(stop.reason.message).toContain("the bus is on fire");
    expect([vcpu.pc, vcpu.register("x3")]).toEqual([CODE + 4n, 7n]);
  });

  it("stops on the vCPU that hits, whichever it is", async () => {
    const { session, address } = await debugOwnGuest("smp", { cpus: 4 });
    const seen = new Set<number>();
    const breakpoint = session.breakpoints.add({ address: address("secondary_main") });
    for (let n = 0; n < 3; n++) {
      const stop = await session.continue();
      expect(stop).toMatchObject({ kind: "stopped", reason: { breakpoints: [breakpoint] } });
      seen.add(session.current.id);
      expect(session.current.register("MPIDR_EL1") & 0xffn).toBe(BigInt(session.current.id));
    }
    expect([...seen].sort()).toEqual([1, 2, 3]);
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
  });

  it("knows registers by name, and says which it does not know", () => {
    const { vcpu } = debugCode(counter);
    for (const name of ["x0", "x30", "sp", "SP_EL0", "VBAR_EL1", "TPIDR_EL0"]) {
      vcpu.setRegister(name, 0x1800n);
      expect([name, vcpu.register(name)]).toEqual([name, 0x1800n]);
    }
    vcpu.setRegister("v31", (1n << 127n) | 5n);
    expect(vcpu.register("v31")).toBe((1n << 127n) | 5n);
    expect(() => vcpu.register("x31")).toThrow("there is no register x31");
    expect(() => vcpu.setRegister("eax", 0n)).toThrow("there is no register eax");
    expect(() => vcpu.setRegister("cpsr", 0x3cfn)).toThrow("EL");
  });

  it("knows symbols: of a program, and of a kernel wherever it is", async () => {
    const { session, bytes, address } = await debugOwnGuest("demo");
    await session.symbols.load(bytes);
    expect(session.symbols.slide(session.current)).toBe(0n);
    await session.runTo("copy_text");
    expect(session.current.pc).toBe(address("copy_text"));
    const names = session.symbols
      .backtrace(session.current)
      .frames.map(({ location }) => location?.symbol.name);
    expect(names.slice(0, 5)).toEqual([
      "copy_text",
      "print_receipt",
      "serve_customer",
      "open_for_business",
      "main",
    ]);
    expect(session.symbols.describe(session.current.pc + 4n, session.current)).toBe("copy_text+0x4");
    await expect(session.runTo("copy_nothing")).rejects.toThrow("there is no symbol copy_nothing");
    await expect(session.symbols.load(new Uint8Array(100))).rejects.toThrow();
    expect(session.symbols.addressOf("main", session.current)).toBe(address("main"));
  });
});
