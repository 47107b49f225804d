import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Host as DebuggerHost } from "../../src/debugger/host.ts";
import { a64, bytesOf, CODE, DATA, debugCode } from "./support/code.ts";
import { host } from "./support/guest.ts";
import { pageDescriptor, pageTables, UPPER } from "./support/pages.ts";

/** The guest's own debug events, each caused by the instruction at `CODE`. */
const events = ["BRK", "hardware breakpoint", "watchpoint", "step"] as const;
type Event = (typeof events)[number];

/** What the host does meanwhile. */
const hosts = {
  "a patched breakpoint elsewhere": "patched",
  "a hardware breakpoint elsewhere": "hardware",
  "a watchpoint elsewhere": "watch",
  "a step": "step",
  "a patched breakpoint on the same instruction": "same-patched",
  "an unseen breakpoint on the same instruction": "same-unseen",
  "a hardware breakpoint on the same instruction": "same-hardware",
} as const;
type Host = (typeof hosts)[keyof typeof hosts];

interface Case {
  readonly event: Event;
  readonly el: 0 | 1;
  readonly spSel: 0 | 1;
  readonly flags: number;
  readonly immediate: number;
  /** VBAR_EL1 in units of its alignment. */
  readonly vectors: number;
  /** The guest's MMU is on, with its vectors in the upper half, which EL0 cannot read. */
  readonly translated: boolean;
}

const instruction: Readonly<Record<Event, (immediate: number) => number>> = {
  BRK: a64.brk,
  "hardware breakpoint": () => a64.nop,
  watchpoint: () => a64.str(3, 4),
  step: () => a64.nop,
};

/** MDSCR_EL1: SS, KDE, MDE. */
const monitor: Readonly<Record<Event, bigint>> = {
  BRK: 0n,
  "hardware breakpoint": 0xa000n,
  watchpoint: 0xa000n,
  step: 0x2001n,
};

/** Vectors lie behind the code. */
const vectorsOf = (n: number): bigint => CODE + 0x2000n + BigInt(n) * 0x800n;

/** The guest opens the OS lock, which is closed after reset: MSR OSLAR_EL1, XZR. */
function unlock({ session, vcpu, machine }: ReturnType<typeof debugCode>): void {
  machine.vm.writeMemory(CODE + 0x1000n, bytesOf([a64.msr(0x8084, 31)]));
  vcpu.pc = CODE + 0x1000n;
  session.stepNow();
  vcpu.pc = CODE;
}

/** A host on which a guest gets far before `resume` returns, however busy the machine is. */
function unhurried(): DebuggerHost {
  let looks = 0;
  return { ...host, now: () => looks++ / 1000 };
}

/** Runs a guest to the first instruction of its handler and returns all that the handler could see. */
function atHandler(each: Case, host: Host | undefined) {
  const { event, el, spSel, flags, immediate, vectors, translated } = each;
  const guest = debugCode([instruction[event](immediate), a64.nop, a64.nop], { host: unhurried() });
  const { session, vcpu } = guest;
  unlock(guest);
  const physicalBase = vectorsOf(vectors);
  const base = translated ? physicalBase - CODE + UPPER : physicalBase;
  if (translated) {
    const tables = pageTables(guest.machine);
    if (el === 0) for (const page of [CODE, DATA]) tables.map(page, pageDescriptor(page, true));
    tables.enable(vcpu);
  }
  const mode = el === 0 ? 0 : 4 | spSel;
  vcpu.setRegister("VBAR_EL1", base);
  vcpu.setRegister("MDSCR_EL1", monitor[event]);
  vcpu.setRegister("FAR_EL1", 0x1234n);
  vcpu.setRegister("x4", DATA + 0x10n);
  if (event === "hardware breakpoint") {
    vcpu.setRegister("DBGBVR2_EL1", CODE);
    vcpu.setRegister("DBGBCR2_EL1", 0x1e7n);
  }
  if (event === "watchpoint") {
    vcpu.setRegister("DBGWVR1_EL1", DATA + 0x10n);
    vcpu.setRegister("DBGWCR1_EL1", 0x1ff7n & ~0x8n);
  }
  // D is clear; SS is set for a step.
  const state = BigInt(((flags << 28) | 0x1c0 | mode | (event === "step" ? 1 << 21 : 0)) >>> 0);
  vcpu.setRegister("cpsr", state);
  const group = el === 0 ? 0x400n : spSel === 0 ? 0n : 0x200n;
  const vector = base + group;
  guest.machine.vm.writeMemory(physicalBase + group, bytesOf([a64.b(0)]));
  const same = host === undefined ? undefined : sameInstruction[host];
  if (same !== undefined) session.breakpoints.add({ address: CODE, kind: same });
  if (host === "patched") session.breakpoints.add({ address: CODE + 0x100n, kind: "patched" });
  if (host === "hardware") session.breakpoints.add({ address: CODE + 0x100n, kind: "hardware" });
  if (host === "watch") session.breakpoints.watch({ address: DATA + 0x80n, length: 8, access: "access" });
  session.breakpoints.add({ address: vector, kind: "unseen" });
  const stops: string[] = [];
  for (let n = 0; n < 4 && vcpu.pc !== vector; n++) {
    if (host === "step") session.stepNow();
    else session.resume(() => ({ kind: "continue" }));
    const { status } = session;
    stops.push(status.kind === "stopped" ? status.reason.kind : status.kind);
  }
  const registers = [...session.architecture.registers.values()]
    // Time may go differently; the rest may not.
    .filter(({ name }) => !/CNT|PMCCNTR|TIMER/i.test(name))
    .map((register): [string, bigint] => [register.name, register.read(vcpu.kvm)]);
  return {
    stops,
    registers: Object.fromEntries(registers),
    hits: session.breakpoints.at(CODE)[0]?.history.hits,
  };
}

const sameInstruction: Readonly<Partial<Record<Host, "patched" | "unseen" | "hardware">>> = {
  "same-patched": "patched",
  "same-unseen": "unseen",
  "same-hardware": "hardware",
};

const aCase = (event: Event): fc.Arbitrary<Case> =>
  fc.record({
    event: fc.constant(event),
    el: fc.constantFrom(0, 1),
    spSel: fc.constantFrom(0, 1),
    flags: fc.integer({ min: 0, max: 15 }),
    immediate: fc.integer({ min: 0, max: 0xffff }),
    vectors: fc.integer({ min: 0, max: 20 }),
    translated: fc.boolean(),
  });

describe("S1.5, S1.6: the guest's handler sees what bare hardware would have shown it", () => {
  for (const event of events) {
    for (const [words, host] of Object.entries(hosts)) {
      it(`of its own ${event}, with ${words}`, () => {
        fc.assert(
          fc.property(aCase(event), (each) => {
            const bare = atHandler(each, undefined);
            const debugged = atHandler(each, host);
            expect(debugged.registers).toEqual(bare.registers);
            expect(bare.stops).toEqual(["breakpoint"]);
            // S1.7: the host's wins, and the guest's own follows, once.
            if (sameInstruction[host] !== undefined)
              expect([debugged.stops, debugged.hits]).toEqual([["breakpoint", "breakpoint"], 1]);
            else if (host !== "step") expect(debugged.stops).toEqual(["breakpoint"]);
          }),
          { numRuns: 6 },
        );
      }, 30_000);
    }
  }

  it("with the values the manual gives", () => {
    const values = (event: Event, el: 0 | 1) => {
      const { registers } = atHandler(
        { event, el, spSel: 1, flags: 0b1010, immediate: 0x800, vectors: 3, translated: false },
        "patched",
      );
      return ["ESR_EL1", "ELR_EL1", "SPSR_EL1", "FAR_EL1", "pc", "cpsr"].map((name) => registers[name]);
    };
    const at = vectorsOf(3);
    const cpsr = 0xa000_03c5n;
    const saved = (el: 0 | 1): bigint => (el === 0 ? 0xa000_01c0n : 0xa000_01c5n);
    expect(values("BRK", 1)).toEqual([0xf200_0800n, CODE, saved(1), 0x1234n, at + 0x200n, cpsr]);
    expect(values("BRK", 0)).toEqual([0xf200_0800n, CODE, saved(0), 0x1234n, at + 0x400n, cpsr]);
    expect(values("hardware breakpoint", 1)).toEqual([
      0xc600_0022n,
      CODE,
      saved(1),
      0x1234n,
      at + 0x200n,
      cpsr,
    ]);
    expect(values("hardware breakpoint", 0).slice(0, 2)).toEqual([0xc200_0022n, CODE]);
    expect(values("watchpoint", 1)).toEqual([0xd600_0062n, CODE, saved(1), DATA + 0x10n, at + 0x200n, cpsr]);
    expect(values("watchpoint", 0).slice(0, 2)).toEqual([0xd200_0062n, CODE]);
    expect(values("step", 1)).toEqual([0xcf00_0022n, CODE + 4n, saved(1), 0x1234n, at + 0x200n, cpsr]);
    expect(values("step", 0).slice(0, 2)).toEqual([0xcb00_0022n, CODE + 4n]);
  });
});

describe("S1.7: host and guest on one instruction", () => {
  it.each(["unseen", "patched", "hardware"] as const)(
    "with a %s breakpoint of the host's: it wins every time; removed, the guest's works again",
    async (kind) => {
      const { session, vcpu, machine } = debugCode([a64.brk(1), a64.b(-1)]);
      const vectors = CODE + 0x800n;
      vcpu.setRegister("VBAR_EL1", vectors);
      // The handler counts, and goes on behind the BRK.
      const handler = [a64.add(9, 9, 1), a64.mrs(1, 0xc201), a64.add(1, 1, 4), a64.msr(0xc201, 1), a64.eret];
      machine.vm.writeMemory(vectors + 0x200n, bytesOf(handler));
      const breakpoint = session.breakpoints.add({ address: CODE, kind });
      for (let n = 0n; n < 3n; n++) {
        expect(await session.continue()).toMatchObject({ reason: { kind: "breakpoint" } });
        expect([vcpu.pc, vcpu.register("x9")]).toEqual([CODE, n]);
      }
      session.breakpoints.remove(breakpoint);
      const after = session.breakpoints.add({ address: CODE + 4n, kind: "unseen" });
      for (let n = 3n; n < 6n; n++) {
        await session.continue();
        expect([vcpu.pc, vcpu.register("x9")]).toEqual([CODE + 4n, n]);
      }
      expect(after.history.hits).toBe(3);
    },
  );
});
