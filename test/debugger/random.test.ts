import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Breakpoint, BreakpointKind, Watchpoint } from "../../src/debugger/breakpoint.ts";
import { DebuggerError } from "../../src/debugger/errors.ts";
import { a64, bytesOf, CODE, DATA, debugCode, sysreg } from "./support/code.ts";

const kinds: readonly BreakpointKind[] = ["unseen", "patched", "hardware"];
const VECTORS = CODE + 0x800n;
const rounds = 12;

/** A loop with something of everything: stores, BRK, SVC, an exclusive sequence, code that rewrites code, its own watchpoint. */
const program = [
  a64.msr(0x8084, 31), // 0x00: OSLAR_EL1
  a64.movz(5, 0xa000),
  a64.msr(sysreg.MDSCR_EL1, 5),
  0xd50348ff, // MSR DAIFClr, #8
  a64.add(6, 6, 1), // 0x10: the loop
  a64.str(6, 1),
  a64.brk(0x123),
  a64.ldxr(7, 2),
  a64.add(7, 7, 3), // 0x20
  a64.stxr(8, 7, 2),
  a64.cbnz(8, -3),
  a64.svc,
  a64.str(9, 10), // 0x30: rewrites the two instructions at 0x38 with the same
  0xd5033fdf,
  a64.add(11, 11, 5),
  a64.add(12, 12, 6),
  a64.str(6, 1, 0x40), // 0x40: the guest's own watchpoint
  a64.subs(13, 13, 1),
  a64.bne(-14), // to 0x10
  a64.movz(0, 0x8400, 1),
  a64.movk(0, 8), // 0x50
  a64.hvc,
] as const;
const codeBytes = program.length * 4;
/** BRK and the watchpoint: X14 counts, and the instruction is left behind. SVC comes back behind itself by itself. */
const handler = [
  a64.add(14, 14, 1),
  a64.mrs(15, sysreg.ESR_EL1),
  0xd35afdef, // LSR X15, X15, #26
  a64.subs(15, 15, 0x15),
  0x54000080, // B.EQ +16
  a64.mrs(15, sysreg.ELR_EL1),
  a64.add(15, 15, 4),
  a64.msr(sysreg.ELR_EL1, 15),
  a64.eret,
];

function guest() {
  const made = debugCode(program);
  const { vcpu, machine } = made;
  machine.vm.writeMemory(VECTORS + 0x200n, bytesOf(handler));
  const values = {
    VBAR_EL1: VECTORS,
    x1: DATA,
    x2: DATA + 0x20n,
    x9: new DataView(bytesOf([program[14] ?? 0, program[15] ?? 0]).buffer).getBigUint64(0, true),
    x10: CODE + 0x38n,
    x13: BigInt(rounds),
    DBGWVR0_EL1: DATA + 0x40n,
    DBGWCR0_EL1: 0x1ff7n,
  };
  for (const [name, value] of Object.entries(values)) vcpu.setRegister(name, value);
  return made;
}

/** What the guest has made of everything. */
function outcome({ session, vcpu, machine }: ReturnType<typeof guest>) {
  return {
    status: session.status,
    registers: Array.from({ length: 15 }, (_, n) => vcpu.register(`x${n}`)),
    data: [...machine.vm.readMemory(DATA, 0x80)],
    esr: vcpu.register("ESR_EL1"),
    elr: vcpu.register("ELR_EL1"),
  };
}

type Act =
  | { readonly act: "plant"; readonly kind: BreakpointKind; readonly at: number }
  | { readonly act: "watch"; readonly offset: number; readonly length: number }
  | { readonly act: "remove"; readonly which: number }
  | { readonly act: "disable"; readonly which: number; readonly enabled: boolean }
  | { readonly act: "settings"; readonly stop: boolean; readonly whole: boolean }
  | { readonly act: "go"; readonly how: "continue" | "step" | "range"; readonly times: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    act: fc.constant("plant" as const),
    kind: fc.constantFrom(...kinds),
    at: fc.integer({ min: 0, max: program.length - 1 }),
  }),
  fc.record({
    act: fc.constant("watch" as const),
    offset: fc.constantFrom(0, 0x20, 0x40),
    length: fc.constantFrom(1, 8),
  }),
  fc.record({ act: fc.constant("remove" as const), which: fc.nat(7) }),
  fc.record({ act: fc.constant("disable" as const), which: fc.nat(7), enabled: fc.boolean() }),
  fc.record({ act: fc.constant("settings" as const), stop: fc.boolean(), whole: fc.boolean() }),
  fc.record({
    act: fc.constant("go" as const),
    how: fc.constantFrom("continue", "step", "range"),
    times: fc.integer({ min: 1, max: 12 }),
  }),
);

/** Runs on to the next stop. */
async function go({ session, machine }: ReturnType<typeof guest>, how: "continue" | "step" | "range") {
  if (how === "step") {
    session.stepNow();
    return;
  }
  session.resume(() =>
    how === "range" ? { kind: "range-step", start: CODE + 0x10n, end: CODE + 0x30n } : { kind: "continue" },
  );
  while (session.status.kind === "running" && machine.now < 1e6) await new Promise(setImmediate);
  session.stop();
}

async function carryOut(debugged: ReturnType<typeof guest>, acts: readonly Act[]): Promise<void> {
  const { session, vcpu } = debugged;
  const planted: (Breakpoint | Watchpoint)[] = [];
  for (const each of acts) {
    if (session.status.kind === "ended") return;
    try {
      switch (each.act) {
        case "plant":
          planted.push(session.breakpoints.add({ address: CODE + BigInt(each.at * 4), kind: each.kind }));
          break;
        case "watch":
          planted.push(
            session.breakpoints.watch({
              address: DATA + BigInt(each.offset),
              length: each.length,
              access: "access",
            }),
          );
          break;
        case "remove": {
          const [which] = planted.splice(each.which % Math.max(planted.length, 1), 1);
          if (which !== undefined) session.breakpoints.remove(which);
          break;
        }
        case "disable": {
          const which = planted[each.which % Math.max(planted.length, 1)];
          if (which !== undefined && "kind" in which) session.breakpoints.enable(which, each.enabled);
          break;
        }
        case "settings":
          session.settings.guestBreaks = each.stop ? "stop" : "deliver";
          session.settings.stepExclusivesWhole = each.whole;
          break;
        case "go":
          for (let n = 0; n < each.times && debugged.session.status.kind !== "ended"; n++)
            await go(debugged, each.how);
      }
    } catch (error) {
      // The registers run out.
      if (!(error instanceof DebuggerError) || error.reason !== "exhausted") throw error;
    }
    // Whatever is planted, the user sees the guest's own code.
    expect(vcpu.readMemory(CODE, codeBytes)).toEqual(bytesOf(program));
  }
}

describe("S1.5, S1.7, S1.8, S5: whatever the host plants, removes, steps and shows", () => {
  it("the guest, which debugs itself, computes the same, and its memory is its own again", async () => {
    const free = guest();
    expect(await free.session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    const expected = outcome(free);
    // BRK, SVC and the watchpoint in each round.
    expect(expected.registers[14]).toBe(BigInt(3 * rounds));
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 25 }), async (acts) => {
        const debugged = guest();
        await carryOut(debugged, acts);
        for (let n = 0; n < 2000 && debugged.session.status.kind !== "ended"; n++)
          await go(debugged, "continue");
        expect(outcome(debugged)).toEqual(expected);
        debugged.session.breakpoints.clear();
        expect(debugged.machine.vm.readMemory(CODE, codeBytes)).toEqual(bytesOf(program));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it("each kind of breakpoint on each instruction is hit exactly as often as that is reached", async () => {
    for (const kind of kinds) {
      const debugged = guest();
      const { session } = debugged;
      const all = program.map((_, n) => n).filter((n) => kind !== "hardware" || n % 4 === 0);
      const list = all.map((n) =>
        session.breakpoints.add({ address: CODE + BigInt(n * 4), kind, condition: () => false }),
      );
      expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
      const once = (n: number): boolean => n < 4 || n > 18;
      expect(list.map(({ history }) => history.hits)).toEqual(all.map((n) => (once(n) ? 1 : rounds)));
    }
  });
});
