import { describe, expect, it } from "vitest";
import type { BreakpointKind } from "../../src/debugger/breakpoint.ts";
import type { StopEvent } from "../../src/debugger/events.ts";
import { a64, bytesOf, CODE, DATA, debugCode } from "./support/code.ts";
import { debugOwnGuest } from "./support/guest.ts";

const kinds: readonly BreakpointKind[] = ["unseen", "patched", "hardware"];
const reason = (stop: StopEvent): string => (stop.kind === "stopped" ? stop.reason.kind : stop.kind);

describe("S5: resuming always makes progress", () => {
  /** A loop of one store: each time around stores X0, which counts. */
  const storing = [a64.str(0, 1), a64.add(0, 0, 1), a64.b(-2)];

  it("a loop of one store reports each store once, with continue", async () => {
    const { session, vcpu } = debugCode(storing);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    for (let n = 0n; n < 20n; n++) {
      expect(reason(await session.continue())).toBe("watchpoint");
      // Before the access: memory has what the last one stored.
      expect([vcpu.pc, vcpu.register("x0")]).toEqual([CODE, n]);
      expect(vcpu.readInteger(DATA, 8)).toBe(n === 0n ? 0n : n - 1n);
    }
  });

  it("with steps: the first one reports, the next one stores", () => {
    const { session, vcpu } = debugCode(storing);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    const seen: string[] = [];
    for (let n = 0; n < 12; n++) {
      const stop = session.stepNow();
      seen.push(`${reason(stop)} ${vcpu.pc - CODE} ${vcpu.readInteger(DATA, 8)}`);
    }
    expect(seen).toEqual([
      "watchpoint 0 0",
      "step 4 0",
      "step 8 0",
      "step 0 0",
      "watchpoint 0 0",
      "step 4 1",
      "step 8 1",
      "step 0 1",
      "watchpoint 0 1",
      "step 4 2",
      "step 8 2",
      "step 0 2",
    ]);
  });

  it("with continue and step by turns", async () => {
    const { session, vcpu } = debugCode(storing);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    for (let n = 0n; n < 6n; n++) {
      expect(reason(await session.continue())).toBe("watchpoint");
      expect(reason(session.stepNow())).toBe("step");
      expect([vcpu.pc, vcpu.readInteger(DATA, 8)]).toEqual([CODE + 4n, n]);
    }
  });

  it("a store of several watched words is reported once for each watchpoint and done once", async () => {
    const { session, vcpu } = debugCode([a64.stp(2, 3, 1), a64.add(2, 2, 1), a64.b(-2)]);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({ address: DATA, length: 16, access: "write" });
    for (let n = 0n; n < 4n; n++) {
      expect(reason(await session.continue())).toBe("watchpoint");
      expect(vcpu.register("x2")).toBe(n);
    }
  });

  it.each(kinds)("from a %s breakpoint on a branch to itself: each time around once", async (kind) => {
    const { session, machine } = debugCode([a64.b(0)]);
    const breakpoint = session.breakpoints.add({ address: CODE, kind });
    for (let n = 0; n < 10; n++) {
      expect(reason(await session.continue())).toBe("breakpoint");
      expect(machine.now).toBe(n);
    }
    for (let n = 0; n < 5; n++) expect(reason(session.stepNow())).toBe("breakpoint");
    expect([machine.now, breakpoint.history.hits]).toEqual([14, 15]);
  });

  it.each(kinds)("from a %s breakpoint and a watchpoint on the same store", async (kind) => {
    const { session, vcpu } = debugCode(storing);
    vcpu.setRegister("x1", DATA);
    session.breakpoints.watch({ address: DATA, length: 8, access: "write" });
    session.breakpoints.add({ address: CODE, kind });
    const seen: string[] = [];
    for (let n = 0; n < 6; n++) seen.push(`${reason(await session.continue())} ${vcpu.register("x0")}`);
    expect(seen).toEqual([
      "breakpoint 0",
      "watchpoint 0",
      "breakpoint 1",
      "watchpoint 1",
      "breakpoint 2",
      "watchpoint 2",
    ]);
  });
});

describe("S5: an exclusive sequence is one step", () => {
  /** Adds one to the word at X1, then nothing. */
  const adding = [a64.ldxr(0, 1), a64.add(0, 0, 1), a64.stxr(2, 0, 1), a64.cbnz(2, -3), a64.nop, a64.nop];

  it("for a step and for a range step, also under breakpoints, whatever their kind", async () => {
    for (const kind of [undefined, ...kinds]) {
      const { session, vcpu } = debugCode(adding);
      vcpu.setRegister("x1", DATA);
      if (kind !== undefined) session.breakpoints.add({ address: CODE, kind });
      if (kind !== undefined) expect(reason(await session.continue())).toBe("breakpoint");
      expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
      expect([vcpu.pc, vcpu.register("x2"), vcpu.readInteger(DATA, 8)]).toEqual([CODE + 12n, 0n, 1n]);
      vcpu.pc = CODE;
      session.resume(() => ({ kind: "range-step", start: CODE, end: CODE + 16n }));
      if (kind !== undefined) continue;
      expect([vcpu.pc, vcpu.readInteger(DATA, 8)]).toEqual([CODE + 16n, 2n]);
    }
  });

  it("unless the user wants to step inside of it", () => {
    const { session, vcpu } = debugCode(adding);
    vcpu.setRegister("x1", DATA);
    session.settings.stepExclusivesWhole = false;
    session.stepNow();
    expect(vcpu.pc).toBe(CODE + 4n);
  });

  it("a breakpoint inside of it stops there, and leaves nothing behind", async () => {
    const { session, vcpu } = debugCode(adding);
    vcpu.setRegister("x1", DATA);
    const inside = session.breakpoints.add({ address: CODE + 4n });
    expect(session.stepNow()).toMatchObject({ reason: { kind: "breakpoint", breakpoints: [inside] } });
    expect(vcpu.pc).toBe(CODE + 4n);
    session.breakpoints.remove(inside);
    // From the midst it goes on instruction by instruction.
    session.stepNow();
    expect(vcpu.pc).toBe(CODE + 8n);
    const behind = session.breakpoints.add({ address: CODE + 16n });
    expect(await session.continue()).toMatchObject({ reason: { breakpoints: [behind] } });
    expect(vcpu.readInteger(DATA, 8)).toBe(1n);
  });

  it("a branch out of it ends the step where it goes", () => {
    // CBNZ W0, +16: somebody has the lock.
    const { session, vcpu } = debugCode([
      a64.ldxr(0, 1),
      a64.cbnz(0, 4),
      a64.stxr(2, 3, 1),
      a64.nop,
      a64.nop,
      a64.nop,
    ]);
    vcpu.setRegister("x1", DATA);
    session.stepNow();
    expect(vcpu.pc).toBe(CODE + 12n);
    vcpu.writeMemory(DATA, new Uint8Array([1]));
    vcpu.pc = CODE;
    session.stepNow();
    expect(vcpu.pc).toBe(CODE + 20n);
  });

  it("a spin on the lock itself is a step each time around", () => {
    const { session, vcpu, machine } = debugCode([
      a64.ldxr(0, 1),
      a64.cbnz(0, -1),
      a64.stxr(2, 3, 1),
      a64.nop,
    ]);
    vcpu.setRegister("x1", DATA);
    vcpu.writeMemory(DATA, new Uint8Array([1]));
    for (let n = 1; n <= 3; n++) {
      session.stepNow();
      expect([vcpu.pc, machine.now]).toEqual([CODE, 2 * n]);
    }
    vcpu.writeMemory(DATA, new Uint8Array([0]));
    session.stepNow();
    expect(vcpu.pc).toBe(CODE + 12n);
  });

  it("an exception inside of it ends the step in the handler", () => {
    const { session, vcpu } = debugCode(adding);
    vcpu.setRegister("x1", 0x3000_0000n);
    vcpu.setRegister("VBAR_EL1", CODE + 0x800n);
    session.stepNow();
    expect([vcpu.pc, vcpu.register("ELR_EL1")]).toEqual([CODE + 0xa00n, CODE]);
  });

  it("what only looks like one is stepped instruction by instruction", () => {
    // No store-exclusive; a call in between; CASP.
    for (const words of [
      [a64.ldxr(0, 1), a64.nop, a64.b(0)],
      [a64.ldxr(0, 1), 0x94000001, a64.stxr(2, 0, 1)],
      [0x48207c82, a64.stxr(2, 0, 1)],
    ]) {
      const { session, vcpu } = debugCode(words);
      vcpu.setRegister("x1", DATA);
      vcpu.setRegister("x4", DATA);
      session.stepNow();
      expect(vcpu.pc).toBe(CODE + 4n);
    }
  });

  it("makes a lock's loop end under steps while another vCPU keeps writing to the lock's line", async () => {
    // vCPU 1 stores next to the word for ever; vCPU 0 switches it on and adds to the word.
    const words = [
      ...[a64.movz(0, 3), a64.movk(0, 0xc400, 1), a64.movz(1, 1), a64.movz(2, 0x4000, 1), a64.movk(2, 0x100)],
      ...[a64.movz(3, 0), a64.hvc, a64.movz(1, 0x4001, 1), a64.nop],
      ...[a64.ldxr(0, 1), a64.add(0, 0, 1), a64.stxr(2, 0, 1), a64.cbnz(2, -3), a64.nop],
    ];
    const { session, vcpu, machine } = debugCode(words, { cpus: 2 });
    machine.vm.writeMemory(
      CODE + 0x100n,
      bytesOf([a64.movz(1, 0x4001, 1), a64.add(0, 0, 1), a64.str(0, 1, 8), a64.b(-2)]),
    );
    await session.runTo(CODE + 36n);
    expect(session.vcpu(1).state).toBe("running");
    for (let n = 0; n < 40 && vcpu.pc !== CODE + 52n; n++) await session.step(session.vcpu(0));
    expect(vcpu.pc).toBe(CODE + 52n);
    expect(vcpu.readInteger(DATA, 4)).toBe(1n);
  });
});

describe("S5: a step is one vCPU's", () => {
  it.each(kinds)(
    "over a %s breakpoint that all vCPUs run through: the others stand or run, and none misses it",
    async (kind) => {
      const { session, address } = await debugOwnGuest("smp", { cpus: 4 });
      const seen = new Set<number>();
      session.breakpoints.add({
        address: address("lock_swap"),
        kind,
        condition: ({ id }) => {
          seen.add(id);
          return id === 2;
        },
      });
      for (let n = 0; n < 3; n++) {
        expect(await session.continue()).toMatchObject({ vcpu: 2, reason: { kind: "breakpoint" } });
        const others = session.vcpus.filter(({ id }) => id !== 2);
        const before = others.map(({ pc }) => pc);
        const { pc } = session.current;
        session.stepNow();
        expect(session.current.pc).toBe(pc + 4n);
        expect(others.map((vcpu) => vcpu.pc)).toEqual(before);
        // The others run now, and meet the breakpoint, which does not stop them.
        expect(await session.step()).toMatchObject({ vcpu: 2, reason: { kind: "step" } });
      }
      expect([...seen].sort()).toEqual([0, 1, 2, 3]);
      session.breakpoints.clear();
      expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    },
  );

  it("over WFI the vCPU waits behind it, and the next step waits for the interrupt", async () => {
    const { session, address } = await debugOwnGuest("timer");
    const vcpu = session.current;
    await session.runTo(address("main"));
    for (let n = 0; n < 20_000 && vcpu.state !== "waiting"; n++) session.stepNow();
    const { pc } = vcpu;
    const time = session.machine.now;
    expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
    expect([vcpu.pc, vcpu.state]).toEqual([pc + 4n, "running"]);
    expect(session.machine.now).toBeGreaterThan(time + 1000);
  });
});
