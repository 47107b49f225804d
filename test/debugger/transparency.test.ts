import { describe, expect, it } from "vitest";
import type { BreakpointKind } from "../../src/debugger/breakpoints.ts";
import { debugOwnGuest } from "./support/guest.ts";

type Guest = Awaited<ReturnType<typeof debugOwnGuest>>;

const guests = ["hello", "demo", "exceptions", "selfmodify", "timer"] as const;

/** Functions of a guest, by their symbols; those with underscores are the linker's marks, and the first instruction. */
function functions({ symbols }: Guest): readonly bigint[] {
  const named = [...symbols].filter(({ type, name }) => /^[tTwW]$/.test(type) && !name.startsWith("_"));
  return [...new Set(named.map(({ address }) => address))];
}

/** What a guest prints and how long it takes when nobody looks. */
async function runFreely(name: string, cpus = 1) {
  const { session, printed, machine } = await debugOwnGuest(name, { cpus });
  expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
  return { printed: printed(), time: machine.now };
}

describe("a guest cannot tell that it is debugged", () => {
  for (const name of guests) {
    it(`${name}, when every instruction is stepped`, async () => {
      const free = await runFreely(name);
      const guest = await debugOwnGuest(name);
      const { session } = guest;
      // Interrupts would wait for ever.
      session.holdInterruptsWhileStepping = false;
      let steps = 0;
      for (; steps < 300_000; steps++) {
        const stop = session.stepNow();
        if (stop.kind === "ended") break;
        expect(stop.reason.kind).toBe("step");
      }
      if (session.status.kind !== "ended") await session.continue();
      expect(session.status).toEqual({ kind: "ended", reason: "power-off" });
      expect(guest.printed()).toBe(free.printed);
    }, 60_000);

    it(`${name}, with unseen breakpoints on all functions: it even takes the same time`, async () => {
      const free = await runFreely(name);
      const guest = await debugOwnGuest(name);
      let hits = 0;
      for (const address of functions(guest)) {
        guest.session.breakpoints.add({
          address,
          kind: "unseen",
          condition: () => {
            hits++;
            return false;
          },
        });
      }
      expect(await guest.session.continue()).toEqual({ kind: "ended", reason: "power-off" });
      expect(guest.printed()).toBe(free.printed);
      expect(hits).toBeGreaterThan(5);
      expect(guest.machine.now).toBe(free.time);
    }, 60_000);

    it(`${name}, with watchpoints on its console and its stack`, async () => {
      const free = await runFreely(name);
      const guest = await debugOwnGuest(name);
      let hits = 0;
      const condition = (): boolean => {
        hits++;
        return false;
      };
      const { session } = guest;
      const inMain = session.breakpoints.add({ address: guest.address("main") });
      await session.continue();
      session.breakpoints.remove(inMain);
      const sp = session.current.register("sp");
      session.breakpoints.watch({ address: sp - 64n, length: 16, access: "access", condition });
      session.breakpoints.watch({ address: 0x900_0000n, length: 4, access: "write", condition });
      expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
      expect(guest.printed()).toBe(free.printed);
      expect(hits).toBeGreaterThan(free.printed.length);
    }, 60_000);
  }

  for (const kind of ["patched", "hardware"] as const satisfies readonly BreakpointKind[]) {
    for (const name of ["demo", "exceptions", "timer"] as const) {
      it(`${name}, with ${kind} breakpoints`, async () => {
        const free = await runFreely(name);
        const guest = await debugOwnGuest(name);
        let hits = 0;
        const all = functions(guest);
        for (const address of kind === "hardware" ? all.slice(-6) : all) {
          guest.session.breakpoints.add({
            address,
            kind,
            condition: () => {
              hits++;
              return false;
            },
          });
        }
        expect(await guest.session.continue()).toEqual({ kind: "ended", reason: "power-off" });
        expect(guest.printed()).toBe(free.printed);
        if (kind === "patched") expect(hits).toBeGreaterThan(10);
      }, 60_000);
    }
  }

  it("several vCPUs, with unseen breakpoints on all functions: it even takes the same time", async () => {
    const free = await runFreely("smp", 4);
    const guest = await debugOwnGuest("smp", { cpus: 4 });
    const seen = new Set<number>();
    for (const address of functions(guest)) {
      guest.session.breakpoints.add({
        address,
        condition: ({ id }) => {
          seen.add(id);
          return false;
        },
      });
    }
    expect(await guest.session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(guest.printed()).toBe(free.printed);
    expect(guest.machine.now).toBe(free.time);
    expect([...seen].sort()).toEqual([0, 1, 2, 3]);
  }, 60_000);

  it("several vCPUs, with patched breakpoints in what they all run", async () => {
    const free = await runFreely("smp", 4);
    const guest = await debugOwnGuest("smp", { cpus: 4 });
    const hits = new Map<number, number>();
    const { session } = guest;
    await session.runTo(guest.address("main"));
    for (const address of functions(guest)) {
      session.breakpoints.add({
        address,
        kind: "patched",
        condition: ({ id }) => {
          hits.set(id, (hits.get(id) ?? 0) + 1);
          return false;
        },
      });
    }
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(guest.printed()).toBe(free.printed);
    expect(hits.size).toBe(4);
  }, 60_000);
});
