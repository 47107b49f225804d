import { describe, expect, it } from "vitest";
import type { BreakpointKind } from "../../src/debugger/breakpoints.ts";
import { DebuggerError } from "../../src/debugger/errors.ts";
import { a64, bytesOf, CODE, DATA, debugCode, sysreg } from "./support/code.ts";
import { debugOwnGuest } from "./support/guest.ts";

const kinds: readonly BreakpointKind[] = ["unseen", "patched", "hardware"];
const VECTORS = CODE + 0x800n;

/** Counts in X0 for ever. */
const counter = [a64.add(0, 0, 1), a64.add(1, 1, 1), a64.b(-2)];

const reasonOf = (error: unknown): string => (error instanceof DebuggerError ? error.reason : String(error));
const refusal = (work: () => void): string => {
  try {
    work();
  } catch (error) {
    return reasonOf(error);
  }
  return "done";
};

describe.each(kinds)("%s breakpoints", (kind) => {
  it("stop before their instruction, which is executed on resume, once", async () => {
    const { session, vcpu } = debugCode(counter);
    const breakpoint = session.breakpoints.add({ address: CODE + 4n, kind });
    for (let n = 1n; n <= 5n; n++) {
      expect(await session.continue()).toEqual({
        kind: "stopped",
        vcpu: 0,
        reason: { kind: "breakpoint", breakpoints: [breakpoint] },
      });
      expect([vcpu.pc, vcpu.register("x0"), vcpu.register("x1")]).toEqual([CODE + 4n, n, n - 1n]);
    }
    session.breakpoints.remove(breakpoint);
    session.resume(() => ({ kind: "continue" }));
    expect(session.status.kind).toBe("running");
    session.stop();
  });

  it("stop again at once where PC is written", async () => {
    const { session, vcpu } = debugCode(counter);
    session.breakpoints.add({ address: CODE + 4n, kind });
    await session.continue();
    vcpu.pc = CODE + 4n;
    await session.continue();
    expect(vcpu.register("x1")).toBe(0n);
    await session.continue();
    expect(vcpu.register("x1")).toBe(1n);
  });

  it("are reported when a step lands on them, and then count as reported", async () => {
    const { session, vcpu } = debugCode(counter);
    const breakpoint = session.breakpoints.add({ address: CODE + 4n, kind });
    expect(session.stepNow()).toMatchObject({ reason: { kind: "breakpoint", breakpoints: [breakpoint] } });
    expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
    await session.continue();
    expect(vcpu.register("x0")).toBe(2n);
  });

  it("stop at once where they are planted under a PC that was reached otherwise", async () => {
    const { session, vcpu } = debugCode(counter);
    session.stepNow();
    session.breakpoints.add({ address: CODE + 4n, kind });
    await session.continue();
    expect([vcpu.pc, vcpu.register("x1")]).toEqual([CODE + 4n, 0n]);
  });

  it("ask their condition at every hit, and go on where it says so", async () => {
    const { session, vcpu } = debugCode(counter);
    const seen: bigint[] = [];
    session.breakpoints.add({
      address: CODE + 4n,
      kind,
      condition: (each) => {
        seen.push(each.register("x0"));
        return each.register("x0") === 50n;
      },
    });
    await session.continue();
    expect(vcpu.register("x0")).toBe(50n);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => BigInt(n + 1)));
  });

  it("stop where their condition fails to say anything", async () => {
    const { session } = debugCode(counter);
    session.breakpoints.add({
      address: CODE + 4n,
      kind,
      condition: (each) => each.readInteger(0x7000_0000n, 8) === 0n,
    });
    expect(await session.continue()).toMatchObject({
      reason: { kind: "failure", message: expect.stringContaining("0x70000000 is not mapped") },
    });
  });

  it("on a branch to itself hit once for each time around", async () => {
    const { session, machine } = debugCode([a64.nop, a64.b(0)]);
    session.breakpoints.add({ address: CODE + 4n, kind });
    await session.continue();
    const first = machine.now;
    await session.continue();
    expect(machine.now).toBe(first + 1);
  });

  it("do not hide the guest's own BRK under them", async () => {
    const words = [
      a64.movz(0, 0x4000, 1),
      a64.movk(0, 0x800),
      a64.msr(sysreg.VBAR_EL1, 0),
      a64.brk(0),
      a64.nop,
    ];
    const { session, vcpu } = debugCode(words);
    session.breakpoints.add({ address: CODE + 12n, kind });
    const inHandler = session.breakpoints.add({ address: VECTORS + 0x200n, kind: "unseen" });
    await session.continue();
    expect(vcpu.pc).toBe(CODE + 12n);
    expect(await session.continue()).toMatchObject({ reason: { breakpoints: [inHandler] } });
    expect(vcpu.register("ESR_EL1")).toBe(0xf200_0000n);
    expect(vcpu.register("ELR_EL1")).toBe(CODE + 12n);
    expect(vcpu.register("SPSR_EL1")).toBe(0x3c5n);
  });

  it("are not hit by the instruction's own faults, but by its next try", async () => {
    const words = [a64.movz(1, 0x3000, 1), a64.ldr(2, 1), a64.add(5, 5, 1), a64.b(0)];
    const { session, vcpu, machine } = debugCode(words);
    // The handler puts a good address into X1 and tries again.
    const handler = [a64.movz(1, 0x4001, 1), a64.eret];
    machine.vm.writeMemory(VECTORS + 0x200n, bytesOf(handler));
    vcpu.setRegister("VBAR_EL1", VECTORS);
    let hits = 0;
    session.breakpoints.add({
      address: CODE + 4n,
      kind,
      condition: () => {
        hits++;
        return false;
      },
    });
    session.breakpoints.add({ address: CODE + 8n });
    await session.continue();
    // Comparators and patches let the first try pass and see the second; unseen breakpoints know that it is the same one.
    expect(hits).toBe(kind === "unseen" ? 1 : 2);
    expect(vcpu.pc).toBe(CODE + 8n);
  });

  it("refuse an address that no instruction has", () => {
    const { session } = debugCode(counter);
    expect(refusal(() => session.breakpoints.add({ address: CODE + 2n, kind }))).toBe("invalid");
    expect(refusal(() => session.breakpoints.add({ address: -4n, kind }))).toBe("invalid");
    expect(session.breakpoints.breakpoints).toEqual([]);
  });
});

describe("breakpoints of several kinds", () => {
  it("at one address are hit together and left together", async () => {
    const { session, vcpu } = debugCode(counter);
    const all = kinds.map((kind) => session.breakpoints.add({ address: CODE + 4n, kind }));
    for (let n = 1n; n < 4n; n++) {
      const stop = await session.continue();
      expect(stop).toMatchObject({ reason: { kind: "breakpoint" } });
      if (stop.kind === "stopped" && stop.reason.kind === "breakpoint")
        expect(new Set(stop.reason.breakpoints)).toEqual(new Set(all));
      expect(vcpu.register("x0")).toBe(n);
    }
  });

  it("at addresses that are not mapped wait for what comes", () => {
    const { session } = debugCode(counter);
    const kernel = 0xffff_8000_0800_0000n;
    for (const kind of kinds)
      expect(refusal(() => session.breakpoints.add({ address: kernel, kind }))).toBe("done");
    // With the MMU off the UART is mapped, but it is no memory.
    expect(refusal(() => session.breakpoints.add({ address: 0x900_0000n, kind: "patched" }))).toBe("done");
    expect(session.breakpoints.breakpoints.map(({ physical }) => physical)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("of the hardware run out, with one clear line", () => {
    const { session } = debugCode(counter);
    for (let n = 0n; n < 6n; n++) session.breakpoints.add({ address: CODE + n * 4n, kind: "hardware" });
    // Another at the same address takes no more of the hardware.
    session.breakpoints.add({ address: CODE, kind: "hardware" });
    expect(() => session.breakpoints.add({ address: CODE + 0x40n, kind: "hardware" })).toThrow(
      "all 6 hardware breakpoints are taken",
    );
    const [first] = session.breakpoints.breakpoints;
    expect(first).toBeDefined();
    session.breakpoints.clear();
    expect(refusal(() => session.breakpoints.add({ address: CODE + 0x40n, kind: "hardware" }))).toBe("done");
  });
});

describe("patched breakpoints", () => {
  const original = bytesOf(counter);

  it("are in memory, but nobody who looks through the debugger sees them", () => {
    const { session, vcpu, machine } = debugCode(counter);
    session.breakpoints.add({ address: CODE + 4n, kind: "patched" });
    expect(machine.vm.readMemory(CODE + 4n, 4)).toEqual(bytesOf([a64.brk(0xa000)]));
    expect(vcpu.readMemory(CODE, 12)).toEqual(original);
    expect(vcpu.readMemory(CODE + 6n, 3)).toEqual(original.slice(6, 9));
    const into = new Uint8Array(12);
    expect(session.memory.readPhysical(CODE, into)).toBe(12);
    expect(into).toEqual(original);
    session.breakpoints.clear();
    expect(machine.vm.readMemory(CODE, 12)).toEqual(original);
  });

  it("stay when the memory under them is written, and give back what was written", async () => {
    const { session, vcpu, machine } = debugCode(counter);
    const breakpoint = session.breakpoints.add({ address: CODE + 4n, kind: "patched" });
    const written = bytesOf([a64.add(0, 0, 1), a64.add(1, 1, 16), a64.b(-2)]);
    vcpu.writeMemory(CODE, written);
    vcpu.writeMemory(CODE + 5n, written.slice(5, 7));
    expect(vcpu.readMemory(CODE, 12)).toEqual(written);
    await session.continue();
    expect(vcpu.pc).toBe(CODE + 4n);
    await session.continue();
    expect(vcpu.register("x1")).toBe(16n);
    session.breakpoints.remove(breakpoint);
    expect(machine.vm.readMemory(CODE, 12)).toEqual(written);
  });

  it("come back after a loader has written over them", async () => {
    // Copies a word over the instruction at CODE + 0x40 and jumps there.
    const words = [
      a64.movz(1, 0x4000, 1),
      a64.movz(2, 0x4001, 1),
      a64.ldr(3, 2),
      a64.str(3, 1, 0x40),
      a64.b(12),
    ];
    const { session, vcpu, machine } = debugCode(words);
    machine.vm.writeMemory(DATA, bytesOf([a64.add(7, 7, 1), a64.b(-1)]));
    session.breakpoints.add({ address: CODE + 0x40n, kind: "patched" });
    const loaded = session.breakpoints.add({ address: CODE + 16n });
    await session.continue();
    expect(vcpu.readMemory(CODE + 0x40n, 4)).toEqual(bytesOf([a64.add(7, 7, 1)]));
    session.breakpoints.remove(loaded);
    await session.continue();
    expect(vcpu.pc).toBe(CODE + 0x40n);
    await session.continue();
    expect(vcpu.register("x7")).toBe(1n);
  });

  it("at one place share it until the last is removed", () => {
    const { session, machine } = debugCode(counter);
    const [a, b] = [0, 1].map(() => session.breakpoints.add({ address: CODE, kind: "patched" }));
    if (a !== undefined) session.breakpoints.remove(a);
    if (a !== undefined) session.breakpoints.remove(a);
    expect(machine.vm.readMemory(CODE, 4)).toEqual(bytesOf([a64.brk(0xa000)]));
    if (b !== undefined) session.breakpoints.remove(b);
    expect(machine.vm.readMemory(CODE, 4)).toEqual(original.slice(0, 4));
  });

  it("outlive a reset", async () => {
    const { session, vcpu } = debugCode(counter);
    session.breakpoints.add({ address: CODE + 4n, kind: "patched" });
    await session.continue();
    session.reset();
    expect(session.status).toEqual({ kind: "stopped", vcpu: 0, reason: { kind: "reset" } });
    expect([vcpu.pc, vcpu.register("x0")]).toEqual([CODE, 0n]);
    await session.continue();
    expect([vcpu.pc, vcpu.register("x0")]).toEqual([CODE + 4n, 1n]);
    expect(vcpu.readMemory(CODE, 12)).toEqual(original);
  });
});

describe("a guest's own BRK", () => {
  it("reaches its handler whether or not anything is planted", async () => {
    const { session, printed, expected, address } = await debugOwnGuest("exceptions");
    for (const kind of kinds)
      session.breakpoints.add({ address: address("el1_brk"), kind, condition: () => false });
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    const line = (text: string): string | undefined =>
      text.split("\n").find((each) => each.startsWith("EL1 BRK"));
    expect(line(printed())).toBe(line(expected));
    expect(line(expected)).toBeDefined();
  });
});
