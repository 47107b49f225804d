import { describe, expect, it } from "vitest";
import { a64, bytesOf, CODE, DATA, debugCode, sysreg } from "./support/code.ts";
import { pageTables, UPPER } from "./support/pages.ts";

/** A machine as KVM on a host offers it: breakpoints are instructions in guest memory, or registers. */
function debugLikeKvm(words: readonly number[], cpus = 1) {
  const made = debugCode([a64.nop], { cpus });
  Object.defineProperty(made.machine.vm, "unseenBreakpoints", { value: undefined });
  made.machine.vm.writeMemory(CODE, bytesOf(words));
  return made;
}

const off = [a64.movz(0, 0x8400, 1), a64.movk(0, 8), a64.hvc];

describe("S1.5: on a substrate without unseen breakpoints", () => {
  it("breakpoints are patched, and refused where no memory is", () => {
    const { session } = debugLikeKvm([a64.nop]);
    expect(session.breakpoints.defaultKind).toBe("patched");
    expect(() => session.breakpoints.add({ address: CODE, kind: "unseen" })).toThrow("use patched ones");
    expect(() => session.breakpoints.add({ address: UPPER })).toThrow(
      "no breakpoint instruction can be written to 0xffffff8000000000: no memory is mapped there now",
    );
    expect(session.breakpoints.breakpoints).toEqual([]);
  });

  it("a loop's breakpoint hits each time around, and is never seen", async () => {
    const words = [a64.add(0, 0, 1), a64.add(1, 1, 1), a64.b(-2)];
    const { session, vcpu, machine } = debugLikeKvm(words);
    session.breakpoints.add({ address: CODE + 4n });
    for (let n = 1n; n < 6n; n++) {
      await session.continue();
      expect([vcpu.pc, vcpu.register("x0"), vcpu.register("x1")]).toEqual([CODE + 4n, n, n - 1n]);
      expect(vcpu.readMemory(CODE, 12)).toEqual(bytesOf(words));
    }
    session.breakpoints.clear();
    expect(machine.vm.readMemory(CODE, 12)).toEqual(bytesOf(words));
  });

  it("what the guest writes over them gets them again at the next stop, also under another mapping", async () => {
    const { session, vcpu, machine } = debugLikeKvm([
      a64.str(3, 1),
      a64.nop,
      0xd61f0080, // BR X4
    ]);
    const place = DATA + 0x100n;
    machine.vm.writeMemory(place, bytesOf([a64.nop, ...off]));
    vcpu.setRegister("x1", place);
    vcpu.setRegister("x4", place);
    const text = new DataView(bytesOf([a64.add(7, 7, 1), a64.movz(0, 0x8400, 1)]).buffer);
    vcpu.setRegister("x3", text.getBigUint64(0, true));
    const breakpoint = session.breakpoints.add({ address: place });
    const between = session.breakpoints.add({ address: CODE + 4n });
    expect(await session.continue()).toMatchObject({ reason: { breakpoints: [between] } });
    expect(vcpu.readMemory(place, 4)).toEqual(bytesOf([a64.add(7, 7, 1)]));
    expect(await session.continue()).toMatchObject({ reason: { breakpoints: [breakpoint] } });
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(vcpu.register("x7")).toBe(1n);
  });

  it("an exclusive sequence is one step", () => {
    const words = [a64.ldxr(0, 1), a64.add(0, 0, 1), a64.stxr(2, 0, 1), a64.cbnz(2, -3), a64.nop];
    const { session, vcpu, machine } = debugLikeKvm(words);
    vcpu.setRegister("x1", DATA);
    session.stepNow();
    expect([vcpu.pc, vcpu.readInteger(DATA, 8)]).toEqual([CODE + 12n, 1n]);
    expect(machine.vm.readMemory(CODE, 20)).toEqual(bytesOf(words));
  });

  it("copies and aliases of patches are executed as the guest wrote them", async () => {
    const { session, vcpu, machine } = debugLikeKvm([
      a64.ldr(3, 1),
      a64.str(3, 1, 0x200),
      0xd63f0080, // BLR X4: the alias
      0xd63f00a0, // BLR X5: the copy
      ...off,
    ]);
    pageTables(machine).enable(vcpu);
    const place = DATA + 0x100n;
    const code = [a64.add(7, 7, 1), 0xd65f03c0];
    machine.vm.writeMemory(place, bytesOf(code));
    vcpu.setRegister("x1", place);
    vcpu.setRegister("x4", place - CODE + UPPER);
    vcpu.setRegister("x5", place + 0x200n);
    session.breakpoints.add({ address: place });
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(vcpu.register("x7")).toBe(2n);
    expect(machine.vm.readMemory(place + 0x200n, 8)).toEqual(bytesOf(code));
  });

  it("the guest's own BRK is first the host's, then its own", async () => {
    const { session, vcpu, machine } = debugLikeKvm([a64.brk(1), a64.b(-1)]);
    vcpu.setRegister("VBAR_EL1", CODE + 0x800n);
    const skips = [
      a64.add(9, 9, 1),
      a64.mrs(2, sysreg.ELR_EL1),
      a64.add(2, 2, 4),
      a64.msr(sysreg.ELR_EL1, 2),
      a64.eret,
    ];
    machine.vm.writeMemory(CODE + 0xa00n, bytesOf(skips));
    for (const kind of ["patched", "hardware"] as const) {
      const before = vcpu.register("x9");
      const breakpoint = session.breakpoints.add({ address: CODE, kind });
      await session.continue();
      const first = vcpu.register("x9");
      for (let n = 1n; n < 4n; n++) {
        expect(await session.continue()).toMatchObject({ reason: { breakpoints: [breakpoint] } });
        expect([vcpu.pc, vcpu.register("x9")]).toEqual([CODE, first + n]);
      }
      expect(first - before).toBe(kind === "patched" ? 0n : 1n);
      session.breakpoints.remove(breakpoint);
    }
  });

  it("one vCPU passes a breakpoint while the others stand, so that none misses it", async () => {
    // Both vCPUs count in the same loop; the first switches the second on.
    const { session, machine } = debugLikeKvm(
      [
        ...[
          a64.movz(0, 3),
          a64.movk(0, 0xc400, 1),
          a64.movz(1, 1),
          a64.movz(2, 0x4000, 1),
          a64.movk(2, 0x20),
        ],
        ...[a64.movz(3, 0), a64.hvc, a64.nop],
        a64.add(4, 4, 1),
        a64.add(5, 5, 1),
        a64.b(-2),
      ],
      2,
    );
    expect(machine.vm.vcpus).toHaveLength(2);
    const hits = [0, 0];
    session.breakpoints.add({
      address: CODE + 36n,
      condition: ({ id }) => {
        hits[id] = (hits[id] ?? 0) + 1;
        return hits.every((count) => count > 50);
      },
    });
    await session.continue();
    for (const vcpu of session.vcpus) {
      // Each time around was counted once; one may be on its way to the breakpoint.
      const uncounted = vcpu.register("x4") - BigInt(hits[vcpu.id] ?? 0);
      expect(uncounted === 0n || uncounted === 1n).toBe(true);
      expect(vcpu.register("x5") <= vcpu.register("x4")).toBe(true);
    }
  });
});
