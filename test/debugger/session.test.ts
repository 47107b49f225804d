import { describe, expect, it } from "vitest";
import { debugOwnGuest } from "./support/guest.ts";

describe("a session", () => {
  it("begins stopped at the first instruction and runs the guest to its end", async () => {
    const { session, printed, expected } = await debugOwnGuest("demo");
    expect(session.status).toEqual({ kind: "stopped", vcpu: 0, reason: { kind: "reset" } });
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(printed()).toBe(expected);
  });
  for (const kind of ["unseen", "patched", "hardware"] as const) {
    it(`stops at ${kind} breakpoints, each time`, async () => {
      const { session, address, printed, expected } = await debugOwnGuest("demo");
      const at = address("post_entry");
      const breakpoint = session.breakpoints.add({ address: at, kind });
      for (let customer = 0; customer < 4; customer++) {
        expect(await session.continue()).toEqual({
          kind: "stopped",
          vcpu: 0,
          reason: { kind: "breakpoint", breakpoints: [breakpoint] },
        });
        expect(session.current.pc).toBe(at);
        expect(session.current.register("x0")).toBe(BigInt(customer));
      }
      expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
      expect(printed()).toBe(expected);
    });
  }
  it("steps exactly one instruction at a time", async () => {
    const { session, machine } = await debugOwnGuest("demo");
    for (let n = 0; n < 1000; n++) {
      const before = machine.now;
      expect(session.stepNow()).toEqual({ kind: "stopped", vcpu: 0, reason: { kind: "step" } });
      expect(machine.now).toBe(before + 1);
    }
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
});
