import { describe, expect, it } from "vitest";
import type { Breakpoint, BreakpointKind } from "../../src/debugger/breakpoint.ts";
import type { StopEvent } from "../../src/debugger/events.ts";
import { a64, bytesOf, CODE, DATA, debugCode } from "./support/code.ts";
import { pageDescriptor, pageTables, UPPER } from "./support/pages.ts";

const kinds: readonly BreakpointKind[] = ["unseen", "patched", "hardware"];

const dsb = 0xd5033f9f;
const isb = 0xd5033fdf;
const tlbi = 0xd508871f;
const ret = 0xd65f03c0;
const blr = (n: number): number => 0xd63f0000 | (n << 5);
const br = (n: number): number => 0xd61f0000 | (n << 5);
const powerOff = [a64.movz(0, 0x8400, 1), a64.movk(0, 8), a64.hvc];
/** `x`d = `value`. */
const set = (d: number, value: bigint): number[] => [
  a64.movz(d, Number(value & 0xffffn)),
  ...[1, 2, 3].map((half) => a64.movk(d, Number((value >> BigInt(16 * half)) & 0xffffn), half)),
];
/** A function that adds to X7 and returns. */
const adds = (n: number): number[] => [a64.add(7, 7, n), ret];

/** Pages that the guest plays with. */
const PAGE = CODE + 0x10_0000n;
const OTHER = CODE + 0x11_0000n;
const THIRD = CODE + 0x12_0000n;

const ended: StopEvent = { kind: "ended", reason: "power-off" };
const hit = (breakpoint: Breakpoint): StopEvent => ({
  kind: "stopped",
  vcpu: 0,
  reason: { kind: "breakpoint", breakpoints: [breakpoint] },
});

/** Guest code that copies so many doublewords from one address to another. */
const copy = (from: bigint, to: bigint, doublewords: number): number[] => [
  ...set(1, from),
  ...set(2, to),
  ...Array.from({ length: doublewords }, (_, n) => [a64.ldr(3, 1, n * 8), a64.str(3, 2, n * 8)]).flat(),
];
const call = (address: bigint): number[] => [...set(4, address), blr(4)];
/** Guest code that changes a descriptor. */
const remap = (entry: bigint, descriptor: bigint): number[] => [
  ...set(1, entry),
  ...set(2, descriptor),
  a64.str(2, 1),
  dsb,
  tlbi,
  dsb,
  isb,
];

function setUp(words: readonly number[]) {
  const guest = debugCode([...words, ...powerOff]);
  const write = (address: bigint, code: readonly number[]): void =>
    guest.machine.vm.writeMemory(address, bytesOf(code));
  return { ...guest, write };
}

describe.each(kinds)("S1.5: %s breakpoints survive what the guest does", (kind) => {
  it("a boot loader loads a kernel over them, and jumps there in the same run", async () => {
    const { session, vcpu, write } = setUp([
      ...copy(OTHER, PAGE, 4),
      ...call(PAGE),
      ...copy(THIRD, PAGE, 4),
      ...call(PAGE),
    ]);
    write(OTHER, adds(1));
    write(THIRD, [a64.add(7, 7, 0x10), a64.add(7, 7, 0x10), ret]);
    const breakpoint = session.breakpoints.add({ address: PAGE, kind });
    expect(await session.continue()).toEqual(hit(breakpoint));
    // What the user sees is the kernel that was loaded, and so does the vCPU.
    expect(vcpu.readMemory(PAGE, 8)).toEqual(bytesOf(adds(1)));
    expect(vcpu.register("x7")).toBe(0n);
    expect(await session.continue()).toEqual(hit(breakpoint));
    expect(vcpu.readMemory(PAGE, 4)).toEqual(bytesOf([a64.add(7, 7, 0x10)]));
    expect(vcpu.register("x7")).toBe(1n);
    expect(await session.continue()).toEqual(ended);
    expect(vcpu.register("x7")).toBe(0x21n);
    expect(breakpoint.history.hits).toBe(2);
  });

  it("the address is mapped to other memory", async () => {
    const { session, vcpu, write, machine } = setUp([
      ...call(PAGE),
      ...remap(CODE + 0x1f_3000n + 0x100n * 8n, pageDescriptor(OTHER)),
      ...call(PAGE),
    ]);
    const tables = pageTables(machine);
    expect(tables.entryOf(PAGE)).toBe(CODE + 0x1f_3000n + 0x100n * 8n);
    tables.enable(vcpu);
    write(PAGE, adds(1));
    write(OTHER, adds(0x10));
    const breakpoint = session.breakpoints.add({ address: PAGE, kind });
    expect(await session.continue()).toEqual(hit(breakpoint));
    expect(await session.continue()).toEqual(hit(breakpoint));
    expect(vcpu.register("x7")).toBe(1n);
    expect(vcpu.readMemory(PAGE, 8)).toEqual(bytesOf(adds(0x10)));
    expect(await session.continue()).toEqual(ended);
    expect(vcpu.register("x7")).toBe(0x11n);
    session.breakpoints.clear();
    // Nothing is left behind, in either page.
    expect(machine.vm.readMemory(PAGE, 8)).toEqual(bytesOf(adds(1)));
    expect(machine.vm.readMemory(OTHER, 8)).toEqual(bytesOf(adds(0x10)));
  });

  it("the page is unmapped, and mapped again", async () => {
    const entry = CODE + 0x1f_3000n + 0x100n * 8n;
    const { session, vcpu, write, machine } = setUp([
      ...remap(entry, 0n),
      ...remap(entry, pageDescriptor(PAGE)),
      ...call(PAGE),
    ]);
    pageTables(machine).enable(vcpu);
    write(PAGE, adds(1));
    const breakpoint = session.breakpoints.add({ address: PAGE, kind });
    const between = session.breakpoints.add({ address: CODE + 4n * 13n });
    expect(await session.continue()).toEqual(hit(between));
    expect(vcpu.translate(PAGE)).toBeUndefined();
    expect(await session.continue()).toEqual(hit(breakpoint));
    expect(await session.continue()).toEqual(ended);
    expect(vcpu.register("x7")).toBe(1n);
  });

  it("the page is discarded and its memory used for data: the data stay as the guest wrote them", async () => {
    const { session, vcpu, write, machine } = setUp([
      ...call(PAGE),
      ...copy(DATA, PAGE, 4),
      a64.nop,
      ...copy(PAGE, THIRD, 4),
      a64.nop,
    ]);
    write(PAGE, adds(1));
    const data = Uint8Array.from({ length: 32 }, (_, n) => n * 7);
    machine.vm.writeMemory(DATA, data);
    const breakpoint = session.breakpoints.add({ address: PAGE, kind });
    expect(await session.continue()).toEqual(hit(breakpoint));
    const afterCopy = session.breakpoints.add({ address: CODE + 4n * (5n + 16n) });
    expect(await session.continue()).toEqual(hit(afterCopy));
    expect(await session.continue()).toEqual(ended);
    expect(machine.vm.readMemory(PAGE, 32)).toEqual(data);
    expect(machine.vm.readMemory(THIRD, 32)).toEqual(data);
    expect(vcpu.readMemory(PAGE, 32)).toEqual(data);
  });

  it("the page is copied and the copy executed: it has no breakpoint, and runs as the guest wrote it", async () => {
    const { session, vcpu, write, machine } = setUp([
      ...copy(PAGE, OTHER, 2),
      ...call(PAGE),
      ...call(OTHER),
      ...call(OTHER),
    ]);
    const code = [a64.add(7, 7, 1), a64.add(7, 7, 2), ret];
    write(PAGE, code);
    const all = [0n, 4n].map((offset) => session.breakpoints.add({ address: PAGE + offset, kind }));
    const [first, second] = all as [Breakpoint, Breakpoint];
    expect(await session.continue()).toEqual(hit(first));
    // The copy is shown as the guest's own too.
    expect(vcpu.readMemory(OTHER, 12)).toEqual(bytesOf(code));
    expect(vcpu.readMemory(OTHER + 2n, 5)).toEqual(bytesOf(code).slice(2, 7));
    if (kind === "patched") expect(machine.vm.readMemory(OTHER, 8)).not.toEqual(bytesOf(code).slice(0, 8));
    expect(await session.continue()).toEqual(hit(second));
    expect(await session.continue()).toEqual(ended);
    expect(vcpu.register("x7")).toBe(9n);
    expect([first.history.hits, second.history.hits]).toEqual([1, 1]);
    expect(machine.vm.readMemory(OTHER, 12)).toEqual(bytesOf(code));
  });

  it("a copy outlives the breakpoint it was made of", async () => {
    const { session, vcpu, write } = setUp([...copy(PAGE, OTHER, 2), a64.nop, ...call(OTHER)]);
    const code = [a64.add(7, 7, 1), ret];
    write(PAGE, code);
    const breakpoint = session.breakpoints.add({ address: PAGE, kind });
    await session.runTo(CODE + 4n * 12n);
    session.breakpoints.remove(breakpoint);
    expect(vcpu.readMemory(OTHER, 8)).toEqual(bytesOf(code));
    expect(await session.continue()).toEqual(ended);
    expect(vcpu.register("x7")).toBe(1n);
  });

  it("planted before the MMU is on, at an address that is not mapped yet", async () => {
    const { session, vcpu, write, machine } = setUp([
      ...set(1, 0x30d0_0801n),
      a64.msr(0xc080, 1),
      isb,
      ...set(4, UPPER + 0x10_0000n),
      br(4),
    ]);
    const { TCR_EL1, MAIR_EL1, TTBR0_EL1, TTBR1_EL1 } = pageTables(machine).registers;
    for (const [name, value] of Object.entries({ TCR_EL1, MAIR_EL1, TTBR0_EL1, TTBR1_EL1 }))
      vcpu.setRegister(name, value);
    write(PAGE, [a64.add(7, 7, 1), ...powerOff]);
    const breakpoint = session.breakpoints.add({ address: UPPER + 0x10_0000n, kind });
    expect(await session.continue()).toEqual(hit(breakpoint));
    expect(vcpu.readMemory(UPPER + 0x10_0000n, 4)).toEqual(bytesOf([a64.add(7, 7, 1)]));
    expect(await session.continue()).toEqual(ended);
    expect(vcpu.register("x7")).toBe(1n);
  });

  it("the same memory is executed under another address: that is not where the breakpoint is", async () => {
    const { session, vcpu, write, machine } = setUp([...call(UPPER + 0x10_0000n), ...call(PAGE)]);
    pageTables(machine).enable(vcpu);
    write(PAGE, adds(1));
    const breakpoint = session.breakpoints.add({ address: PAGE, kind });
    expect(await session.continue()).toEqual(hit(breakpoint));
    expect(vcpu.register("x7")).toBe(1n);
    expect(await session.continue()).toEqual(ended);
    expect(vcpu.register("x7")).toBe(2n);
    expect(breakpoint.history.elsewhere).toBe(kind === "patched" ? 1 : 0);
  });

  it("the guest writes a BRK of its own over them: theirs is first, the guest's follows", async () => {
    const { session, vcpu, write } = setUp([
      ...set(1, PAGE),
      ...set(2, BigInt(a64.brk(0xa000))),
      0xb9000022, // STR W2, [X1]
      ...call(PAGE),
    ]);
    vcpu.setRegister("VBAR_EL1", OTHER);
    write(PAGE, adds(1));
    write(OTHER + 0x200n, powerOff);
    const breakpoint = session.breakpoints.add({ address: PAGE, kind });
    const stop = await session.continue();
    // In patched mode the very instruction that is planted cannot be told from the planted one: the number 0xa000 is the debugger's.
    if (kind === "patched") return;
    expect(stop).toEqual(hit(breakpoint));
    expect(vcpu.readMemory(PAGE, 4)).toEqual(bytesOf([a64.brk(0xa000)]));
    expect(await session.continue()).toEqual(ended);
    expect([vcpu.register("ESR_EL1"), vcpu.register("ELR_EL1")]).toEqual([0xf200_a000n, PAGE]);
  });
});

describe("S1.5: what a guest sees of breakpoints when it reads its own text", () => {
  it.each(kinds)("%s", async (kind) => {
    const { session, vcpu, write } = setUp([...set(1, PAGE), a64.ldr(5, 1)]);
    write(PAGE, adds(1));
    session.breakpoints.add({ address: PAGE, kind });
    expect(await session.continue()).toEqual(ended);
    const own = new DataView(bytesOf(adds(1)).buffer).getBigUint64(0, true);
    const seen = vcpu.register("x5");
    if (kind === "patched") {
      // Documented: the guest reads the planted BRK, and its own text behind it.
      expect(seen & 0xffff_ffffn).toBe(BigInt(a64.brk(0xa000) >>> 0));
      expect(seen >> 32n).toBe(own >> 32n);
    } else expect(seen).toBe(own);
  });
});

describe("S1.5: a guest's own BRK that has the number of a planted one", () => {
  it("reaches the guest: its neighbours tell it from a copy", async () => {
    const { session, vcpu, write } = setUp([...call(OTHER)]);
    vcpu.setRegister("VBAR_EL1", THIRD);
    write(THIRD + 0x200n, powerOff);
    write(PAGE, [a64.add(1, 1, 1), a64.add(7, 7, 1), ret]);
    write(OTHER, [a64.brk(0xa000), a64.add(9, 9, 9), ret]);
    session.breakpoints.add({ address: PAGE + 4n, kind: "patched" });
    expect(vcpu.readMemory(OTHER, 4)).toEqual(bytesOf([a64.brk(0xa000)]));
    expect(await session.continue()).toEqual(ended);
    expect([vcpu.register("ESR_EL1"), vcpu.register("ELR_EL1")]).toEqual([0xf200_a000n, OTHER]);
  });
});
