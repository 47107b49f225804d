import { describe, expect, it } from "vitest";
import { type Guest, listGuests, manualOutput } from "../../scripts/guests/catalogue.ts";
import { GuestRun } from "./support/guestRun.ts";

const folder = new URL("../../guests/", import.meta.url).pathname;
/** `debug` has tests of its own: test/guests/selfDebugging.test.ts. */
const guests = listGuests(folder).filter(({ arch, name }) => arch === "arm64" && name !== "debug");

/** Tried with one interrupt controller only: those that need a GICv3, and those that need none but time. */
const onceIsEnough = (guest: Guest): boolean => guest.name === "timer" || guest.name.startsWith("bench-");

describe.each([3, 2] as const)("our guests, GICv%i", (gicVersion) => {
  for (const guest of guests) {
    if (gicVersion === 2 && onceIsEnough(guest)) continue;
    const end = guest.ends === "power-off" ? "powers off" : "never ends";
    it(`${guest.name} prints what is expected of it and ${end}`, () => {
      const run = GuestRun.fromElf(guest.elf, { cpus: guest.cpus, gicVersion });
      const limit = guest.ends === "power-off" ? 20_000_000_000 : 100_000;
      const stop = run.until(limit);
      expect(run.console).toBe(manualOutput(guest));
      if (guest.ends === "power-off") expect(stop).toEqual({ kind: "system", event: "SHUTDOWN" });
      else expect(stop).toEqual({ kind: "limit" });
    });
  }
});
