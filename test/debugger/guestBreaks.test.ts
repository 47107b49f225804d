import { describe, expect, it } from "vitest";
import { a64, bytesOf, CODE, DATA, debugCode, sysreg } from "./support/code.ts";

const VECTORS = CODE + 0x800n;
const HANDLER = VECTORS + 0x200n;
/** Goes on behind the instruction that the exception came from; counts in X9. */
const skips = [
  a64.add(9, 9, 1),
  a64.mrs(1, sysreg.ELR_EL1),
  a64.add(1, 1, 4),
  a64.msr(sysreg.ELR_EL1, 1),
  a64.eret,
];
const off = [a64.movz(0, 0x8400, 1), a64.movk(0, 8), a64.hvc];

function guest(words: readonly number[], handler: readonly number[] = skips) {
  const made = debugCode([...words, ...off]);
  made.vcpu.setRegister("VBAR_EL1", VECTORS);
  made.machine.vm.writeMemory(HANDLER, bytesOf(handler));
  made.session.settings.guestBreaks = "stop";
  return made;
}

const guestEvent = (text: string) => ({
  kind: "stopped",
  reason: { kind: "guest-event", text },
});

describe("S1.5: the guest's own debug events, shown before the guest sees them", () => {
  it("BRK: continue delivers it, once", async () => {
    const { session, vcpu } = guest([a64.brk(0x800), a64.nop, a64.brk(0x801)]);
    expect(await session.continue()).toMatchObject(guestEvent("BRK #0x800"));
    expect([vcpu.pc, vcpu.register("ESR_EL1"), vcpu.register("x9")]).toEqual([CODE, 0n, 0n]);
    expect(await session.continue()).toMatchObject(guestEvent("BRK #0x801"));
    expect([vcpu.pc, vcpu.register("ESR_EL1"), vcpu.register("x9")]).toEqual([CODE + 8n, 0xf200_0800n, 1n]);
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(vcpu.register("x9")).toBe(2n);
  });

  it("a step from there steps into the guest's handler", async () => {
    const { session, vcpu } = guest([a64.brk(7)]);
    await session.continue();
    expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
    expect([vcpu.pc, vcpu.register("ELR_EL1")]).toEqual([HANDLER, CODE]);
    expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
    expect([vcpu.pc, vcpu.register("x9")]).toEqual([HANDLER + 4n, 1n]);
  });

  it("a step onto the BRK stops before it, one of the BRK itself shows it, the next one enters the handler", () => {
    const { session, vcpu } = guest([a64.nop, a64.brk(7)]);
    expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
    expect(session.stepNow()).toMatchObject(guestEvent("BRK #0x7"));
    expect(vcpu.pc).toBe(CODE + 4n);
    session.stepNow();
    expect(vcpu.pc).toBe(HANDLER);
  });

  it("a PC that is written takes the event back", async () => {
    const { session, vcpu } = guest([a64.brk(7), a64.nop]);
    await session.continue();
    vcpu.pc = CODE + 4n;
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(vcpu.register("x9")).toBe(0n);
  });

  it("with a breakpoint on it: the host's first, then the guest's, then its handler", async () => {
    for (const kind of ["unseen", "patched", "hardware"] as const) {
      const { session, vcpu } = guest([a64.brk(7)]);
      session.breakpoints.add({ address: CODE, kind });
      expect(await session.continue()).toMatchObject({ reason: { kind: "breakpoint" } });
      expect(await session.continue()).toMatchObject(guestEvent("BRK #0x7"));
      expect(vcpu.register("x9")).toBe(0n);
      expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
      expect(vcpu.register("x9")).toBe(1n);
    }
  });

  it("hardware breakpoint and watchpoint of the guest's own", async () => {
    const setUp = [
      a64.msr(0x8084, 31), // OSLAR_EL1
      a64.movz(2, 0xa000),
      a64.msr(sysreg.MDSCR_EL1, 2),
      0xd50348ff, // MSR DAIFClr, #8
    ];
    const { session, vcpu } = guest([...setUp, a64.nop, a64.str(3, 4), a64.nop]);
    const at = CODE + 16n;
    vcpu.setRegister("DBGBVR0_EL1", at);
    vcpu.setRegister("DBGBCR0_EL1", 0x1e7n);
    vcpu.setRegister("DBGWVR0_EL1", DATA);
    vcpu.setRegister("DBGWCR0_EL1", 0x1ff7n);
    vcpu.setRegister("x4", DATA);
    expect(await session.continue()).toMatchObject(guestEvent("a breakpoint register matches PC"));
    expect(vcpu.pc).toBe(at);
    expect(await session.continue()).toMatchObject(
      guestEvent(`a watchpoint register matches a write at 0x${DATA.toString(16)}`),
    );
    expect([vcpu.pc, vcpu.register("x9"), vcpu.register("ESR_EL1")]).toEqual([at + 4n, 1n, 0xc600_0022n]);
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect([vcpu.register("x9"), vcpu.register("FAR_EL1")]).toEqual([2n, DATA]);
  });

  it("without it nothing is shown, and nothing is different", async () => {
    const { session, vcpu } = guest([a64.brk(7), a64.brk(8)]);
    session.settings.guestBreaks = "deliver";
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(vcpu.register("x9")).toBe(2n);
  });
});
