import { beforeAll, describe, expect, it } from "vitest";
import { listGuests, manualOutput } from "../../../scripts/guests/catalogue.ts";
import type { BreakpointKind } from "../../../src/debugger/breakpoints.ts";
import type { GuestOptions } from "../../../src/vmm/guest.ts";
import { debugOwnGuest } from "../../debugger/support/guest.ts";
import { GuestRun } from "../../vmm/support/guestRun.ts";

type Guest = Awaited<ReturnType<typeof debugOwnGuest>>;
type Kind = BreakpointKind;

const folder = new URL("../../../guests/", import.meta.url).pathname;
function find() {
  const guest = listGuests(folder).find(({ name }) => name === "debug");
  if (guest === undefined) throw new Error("there is no guest debug");
  return guest;
}
/** The guest. */
export const selfDebugging = find();

/** What it prints on a machine that is as the manual says, line by line for a readable difference. */
export const manual = manualOutput(selfDebugging).split("\n");
const kinds = ["unseen", "patched", "hardware"] as const satisfies readonly Kind[];
const poweredOff = { kind: "ended", reason: "power-off" } as const;
const minute = 60_000;

/** Code of the guest that runs under the guest's own debugging: `el1_NAME` and `el0_NAME`, each ends with an SVC. */
function routines({ symbols }: Guest): readonly bigint[] {
  const named = [...symbols].filter(({ name }) => /^el[01]_(?!literal)/.test(name));
  return [...new Set(named.map(({ address }) => address))];
}

/** As many of them as there are hardware breakpoints. */
function someOfEach({ address }: Guest): readonly bigint[] {
  const names = ["el0_brk", "el1_nops", "el0_nops", "el0_str", "el1_step_through", "el0_step_exclusive"];
  return names.map(address);
}

const printedLines = (debugged: Guest): readonly string[] => debugged.printed().split("\n");

/** Virtual nanoseconds after which the guest has gone astray; it takes a few million alone. */
const astray = 100_000_000;

/** Lets the guest run on to a stop, or to its end. */
async function runOn({ session, machine }: Guest) {
  const watchdog = setInterval(() => {
    if (machine.now > astray) session.stop();
  }, 50);
  try {
    return await session.continue();
  } finally {
    clearInterval(watchdog);
  }
}

/** Parts of `all`, of at most `size`. */
function batches<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
}

/** Which engine the guest runs on, and how much is done that takes long. */
export interface SelfDebuggingRun extends Pick<GuestOptions, "engine" | "heat"> {
  /** Where the host begins to step. */
  readonly steppedFrom: "main" | "check_locks";
  /** How many runs with six hardware breakpoints each. */
  readonly hardwareRuns: number;
}

/**
 * The guest that debugs itself, in every setting: alone, under a debugger, with the host's breakpoints and watchpoints elsewhere
 * and on what it debugs itself, and stepped. What it prints is always the same.
 */
export function describeSelfDebugging({ steppedFrom, hardwareRuns, ...engine }: SelfDebuggingRun): void {
  describe("S1.5, S1.8: a guest that debugs itself sees what bare hardware shows", () => {
    it("alone", () => {
      const run = GuestRun.fromElf(selfDebugging.elf, engine);
      expect(run.until(1_000_000_000)).toEqual({ kind: "system", event: "SHUTDOWN" });
      expect(run.console.split("\n")).toEqual(manual);
      expect(run.console).toMatch(/^PASS \d+$/m);
    });

    it("with a debugger attached and nothing planted", async () => {
      const debugged = await debugOwnGuest("debug", engine);
      expect(await runOn(debugged)).toEqual(poweredOff);
      expect(printedLines(debugged)).toEqual(manual);
    });
  });

  describe("S1.5, S1.8: a guest that debugs itself, with the host's breakpoints elsewhere", () => {
    it.each(kinds)("%s ones that are not hit", async (kind) => {
      const debugged = await debugOwnGuest("debug", engine);
      for (const name of ["cpu_off", "mmu_join", "psci_call", "console_start"])
        debugged.session.breakpoints.add({
          address: debugged.address(name) + 4n,
          kind,
          condition: () => false,
        });
      expect(await runOn(debugged)).toEqual(poweredOff);
      expect(printedLines(debugged)).toEqual(manual);
    });

    it.each(kinds)("%s ones in its exception handler, hit at every exception", async (kind) => {
      const debugged = await debugOwnGuest("debug", engine);
      let hits = 0;
      const condition = (): boolean => {
        hits++;
        return false;
      };
      debugged.session.breakpoints.add({ address: debugged.address("handle_exception"), kind, condition });
      expect(await runOn(debugged)).toEqual(poweredOff);
      expect(printedLines(debugged)).toEqual(manual);
      expect(hits).toBeGreaterThan(1000);
    });

    it("S1.8: a host's watchpoint on memory of its own: the guest's debug registers work beside it", async () => {
      const debugged = await debugOwnGuest("debug", engine);
      let hits = 0;
      const condition = (): boolean => {
        hits++;
        return false;
      };
      debugged.session.breakpoints.watch({
        address: debugged.address("checks"),
        length: 4,
        access: "write",
        condition,
      });
      expect(await runOn(debugged)).toEqual(poweredOff);
      expect(printedLines(debugged)).toEqual(manual);
      expect(hits).toBeGreaterThan(700);
    });
  });

  describe("S5.5: a guest that debugs itself, stepped by the host", () => {
    it(
      `from ${steppedFrom} to its last instruction`,
      async () => {
        const debugged = await debugOwnGuest("debug", engine);
        const { session } = debugged;
        // Interrupts would wait for ever.
        session.holdInterruptsWhileStepping = false;
        await session.runTo(debugged.address(steppedFrom));
        let unexpected = 0;
        while (session.status.kind !== "ended" && debugged.machine.now < astray) {
          const stop = session.stepNow();
          if (stop.kind === "stopped" && stop.reason.kind !== "step") unexpected++;
        }
        expect(session.status).toEqual(poweredOff);
        expect(printedLines(debugged)).toEqual(manual);
        expect(unexpected).toBe(0);
      },
      2 * minute,
    );
  });

  describe("S1.7: a guest that debugs itself, with the host's breakpoints on the same instructions", () => {
    let all: readonly bigint[] = [];
    beforeAll(async () => {
      const debugged = await debugOwnGuest("debug", engine);
      all = routines(debugged);
      expect(all.length).toBeGreaterThan(80);
    });

    it.each(["unseen", "patched"] as const)(
      "%s ones on the first three instructions of all that it debugs",
      async (kind) => {
        const debugged = await debugOwnGuest("debug", engine);
        const hit = new Set<bigint>();
        for (const first of all)
          for (const address of [first, first + 4n, first + 8n])
            debugged.session.breakpoints.add({
              address,
              kind,
              condition: ({ pc }) => {
                hit.add(pc);
                return false;
              },
            });
        expect(await runOn(debugged)).toEqual(poweredOff);
        expect(printedLines(debugged)).toEqual(manual);
        expect(hit.size).toBeGreaterThan(150);
      },
      minute,
    );

    it(
      "hardware ones, six of the routines at a time",
      async () => {
        let hits = 0;
        const parts = batches(all, 6);
        const every = Math.ceil(parts.length / hardwareRuns);
        for (const six of parts.filter((_, n) => n % every === 0)) {
          const debugged = await debugOwnGuest("debug", engine);
          const condition = (): boolean => {
            hits++;
            return false;
          };
          for (const address of six)
            debugged.session.breakpoints.add({ address, kind: "hardware", condition });
          expect(await runOn(debugged)).toEqual(poweredOff);
          expect(printedLines(debugged)).toEqual(manual);
        }
        expect(hits).toBeGreaterThan(50);
      },
      2 * minute,
    );

    it.each(kinds)(
      "%s ones that stop, once each, and are removed then: the guest's own work again",
      async (kind) => {
        const debugged = await debugOwnGuest("debug", engine);
        const { session } = debugged;
        let stops = 0;
        // The guest comes to its routines in this order; each is taken away when it has been hit.
        for (const name of [
          "el1_brk",
          "el0_brk",
          "el1_nops",
          "el0_nops",
          "el1_ldr",
          "el0_str",
          "el1_step_through",
          "el0_step_through",
        ]) {
          const breakpoint = session.breakpoints.add({ address: debugged.address(name), kind });
          const stop = await runOn(debugged);
          expect(stop).toMatchObject({
            kind: "stopped",
            reason: { kind: "breakpoint", breakpoints: [breakpoint] },
          });
          expect(session.current.pc).toBe(debugged.address(name));
          stops++;
          session.breakpoints.remove(breakpoint);
        }
        expect(stops).toBe(8);
        expect(await runOn(debugged)).toEqual(poweredOff);
        expect(printedLines(debugged)).toEqual(manual);
      },
    );

    it.each(["read", "write", "access"] as const)(
      "a host's %s watchpoint on all that the guest watches",
      async (access) => {
        const debugged = await debugOwnGuest("debug", engine);
        let hits = 0;
        const condition = (): boolean => {
          hits++;
          return false;
        };
        debugged.session.breakpoints.watch({
          address: debugged.address("memory"),
          length: 4096,
          access,
          condition,
        });
        expect(await runOn(debugged)).toEqual(poweredOff);
        expect(printedLines(debugged)).toEqual(manual);
        expect(hits).toBeGreaterThan(200);
      },
    );

    it.each(kinds)("the host steps from %s breakpoints on what the guest debugs", async (kind) => {
      const debugged = await debugOwnGuest("debug", engine);
      const { session } = debugged;
      session.holdInterruptsWhileStepping = false;
      const planted = kind === "hardware" ? someOfEach(debugged) : all;
      for (const address of planted) session.breakpoints.add({ address, kind });
      let stops = 0;
      for (let stop = await runOn(debugged); stop.kind === "stopped"; stop = await runOn(debugged)) {
        expect(stop.reason.kind).toBe("breakpoint");
        stops++;
        for (let steps = 0; steps < 3; steps++) session.stepNow();
      }
      expect(session.status).toEqual(poweredOff);
      expect(printedLines(debugged)).toEqual(manual);
      expect(stops).toBeGreaterThan(kind === "hardware" ? 50 : 500);
    });

    it("the host stops at its watchpoints on what the guest watches, and goes on from there by steps and runs", async () => {
      const debugged = await debugOwnGuest("debug", engine);
      const { session } = debugged;
      session.holdInterruptsWhileStepping = false;
      session.breakpoints.watch({ address: debugged.address("memory"), length: 4096, access: "access" });
      let stops = 0;
      for (let stop = await runOn(debugged); stop.kind === "stopped"; stop = await runOn(debugged)) {
        expect(stop.reason.kind).toBe("watchpoint");
        if (++stops % 2 === 0) session.stepNow();
      }
      expect(session.status).toEqual(poweredOff);
      expect(printedLines(debugged)).toEqual(manual);
      expect(stops).toBeGreaterThan(200);
    });
  });
}
