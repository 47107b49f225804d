import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arm64WatchRegisters } from "../../src/debugger/arm64/watchRegisters.ts";
import type { StopEvent } from "../../src/debugger/events.ts";
import { a64, CODE, DATA, debugCode } from "./support/code.ts";

/** The bytes that registers watch, by the manual's rules for BAS and MASK (Arm ARM D2.9.6, D2.9.7). */
function watchedBytes(registers: ReturnType<typeof arm64WatchRegisters>): bigint[] {
  return registers.flatMap(({ value, control }) => {
    const mask = BigInt((control >>> 24) & 31);
    if (mask > 0n) return Array.from({ length: 2 ** Number(mask) }, (_, n) => value + BigInt(n));
    return Array.from({ length: 8 }, (_, n) => n)
      .filter((n) => ((control >> (5 + n)) & 1) !== 0)
      .map((n) => value + BigInt(n));
  });
}

/** Stores to X1, loads from it, adds one to X0, for ever. */
const loop = [a64.str(0, 1), a64.ldr(2, 1), a64.add(0, 0, 1), a64.b(-3)];

const address = (stop: StopEvent): bigint | undefined =>
  stop.kind === "stopped" && stop.reason.kind === "watchpoint" ? stop.reason.address : undefined;

describe("watchpoint registers", () => {
  it("cover exactly the range, each byte once, with legal values", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.integer({ min: 1, max: 5000 }), (start, length) => {
        fc.pre(start + BigInt(length) <= 2n ** 64n);
        const registers = arm64WatchRegisters(start, length, "write");
        expect(watchedBytes(registers)).toEqual(Array.from({ length }, (_, n) => start + BigInt(n)));
        for (const { value, control } of registers) {
          const mask = BigInt((control >>> 24) & 31);
          expect(control & 0x1f).toBe(0b10111);
          expect(value % 8n).toBe(0n);
          if (mask > 0n) {
            expect(mask >= 3n && value % (1n << mask) === 0n).toBe(true);
            expect((control >> 5) & 0xff).toBe(0xff);
          }
        }
      }),
    );
  });

  it("are one for aligned powers of two, up to 2 GiB", () => {
    for (let bits = 0n; bits <= 31n; bits++)
      expect(arm64WatchRegisters(1n << 40n, 2 ** Number(bits), "access")).toHaveLength(1);
    expect(arm64WatchRegisters(1n << 40n, 2 ** 32, "access")).toHaveLength(2);
  });

  it("refuse what has no bytes or leaves the address space", () => {
    for (const length of [0, -1, 1.5, Number.NaN])
      expect(() => arm64WatchRegisters(0n, length, "read")).toThrow();
    expect(() => arm64WatchRegisters(2n ** 64n - 4n, 8, "read")).toThrow("leaves the address space");
    expect(arm64WatchRegisters(2n ** 64n - 8n, 8, "read")).toHaveLength(1);
  });
});

describe("watchpoints", () => {
  it("stop before the access, and go on past it", async () => {
    const { session, vcpu } = debugCode(loop);
    vcpu.setRegister("x1", DATA);
    vcpu.setRegister("x0", 7n);
    const watchpoint = session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    expect(await session.continue()).toEqual({
      kind: "stopped",
      vcpu: 0,
      reason: { kind: "watchpoint", watchpoints: [watchpoint], access: "write", address: DATA },
    });
    expect([vcpu.pc, vcpu.readInteger(DATA, 8)]).toEqual([CODE, 0n]);
    await session.continue();
    expect([vcpu.pc, vcpu.readInteger(DATA, 8), vcpu.register("x0")]).toEqual([CODE, 7n, 8n]);
    expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
    expect(vcpu.pc).toBe(CODE + 4n);
  });

  it("tell reads from writes", async () => {
    for (const [access, pcs] of [
      ["write", [0n, 0n]],
      ["read", [4n, 4n]],
      ["access", [0n, 4n]],
    ] as const) {
      const { session, vcpu } = debugCode(loop);
      vcpu.setRegister("x1", DATA);
      session.breakpoints.watch({ address: DATA, length: 8, access });
      for (const pc of pcs) {
        expect(await session.continue()).toMatchObject({ reason: { kind: "watchpoint" } });
        expect(vcpu.pc).toBe(CODE + pc);
      }
    }
  });

  it("see exactly the bytes they watch", async () => {
    const { session, vcpu } = debugCode([a64.strb(0, 1), a64.add(1, 1, 1), a64.b(-2)]);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({ address: DATA + 5n, length: 6, access: "write" });
    const hits: (bigint | undefined)[] = [];
    for (let n = 0; n < 6; n++) hits.push(address(await session.continue()));
    expect(hits).toEqual([5n, 6n, 7n, 8n, 9n, 10n].map((offset) => DATA + offset));
    session.resume(() => ({ kind: "continue" }));
    session.stop();
    expect(vcpu.register("x1") > DATA + 11n).toBe(true);
  });

  it("see an access that only overlaps, and say where", async () => {
    const { session, vcpu } = debugCode(loop);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({ address: DATA + 6n, length: 1, access: "write" });
    expect(address(await session.continue())).toBe(DATA + 6n);
  });

  it("stay active while another one is passed", async () => {
    const { session, vcpu } = debugCode([a64.stp(0, 2, 1), a64.nop, a64.b(0)]);
    vcpu.setRegister("x1", DATA);
    const low = session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    const high = session.breakpoints.watch({ address: DATA + 8n, length: 8, access: "write" });
    expect(await session.continue()).toMatchObject({ reason: { watchpoints: [low] } });
    expect(await session.continue()).toMatchObject({ reason: { watchpoints: [high] } });
    expect(vcpu.pc).toBe(CODE);
    session.resume(() => ({ kind: "continue" }));
    session.stop();
    expect(vcpu.pc).toBe(CODE + 8n);
  });

  it("and breakpoints on one instruction are reported one after the other", async () => {
    const { session, vcpu } = debugCode(loop);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    session.breakpoints.add({ address: CODE, kind: "patched" });
    const kinds: string[] = [];
    for (let n = 0; n < 4; n++) {
      const stop = await session.continue();
      kinds.push(stop.kind === "stopped" ? stop.reason.kind : stop.kind);
    }
    expect(kinds).toEqual(["breakpoint", "watchpoint", "breakpoint", "watchpoint"]);
    expect(vcpu.register("x0")).toBe(1n);
  });

  it("see accesses to devices, which happen once", async () => {
    const { session, vcpu, printed } = debugCode([a64.strw(0, 1), a64.add(0, 0, 1), a64.b(-2)]);
    vcpu.setRegister("x1", 0x900_0000n);
    vcpu.setRegister("x0", 0x41n);
    session.breakpoints.watch({ address: 0x900_0000n, length: 4, access: "write" });
    for (let n = 0; n < 4; n++) await session.continue();
    expect(printed()).toBe("ABC");
  });

  it("run out with one clear line, which says how many the range takes", () => {
    const { session } = debugCode(loop);
    session.breakpoints.watch({ address: DATA, length: 4096, access: "write" });
    session.breakpoints.watch({ address: DATA + 1n, length: 16, access: "read" });
    expect(() => session.breakpoints.watch({ address: DATA, length: 1, access: "read" })).toThrow(
      "watching 1 bytes at 0x40010000 takes 1 of the 4 watchpoint registers, and none is free",
    );
    expect(session.breakpoints.watchpoints).toHaveLength(2);
    session.breakpoints.clear();
    expect(() => session.breakpoints.watch({ address: DATA + 1n, length: 1000, access: "read" })).toThrow(
      /takes \d+ of the 4/,
    );
  });

  it("ask their condition before each access", async () => {
    const { session, vcpu } = debugCode(loop);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({
      address: DATA,
      length: 8,
      access: "write",
      condition: (each) => each.register("x0") === 20n,
    });
    await session.continue();
    expect([vcpu.register("x0"), vcpu.readInteger(DATA, 8)]).toEqual([20n, 19n]);
  });
});
