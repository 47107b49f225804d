import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Guest, listGuests } from "../../scripts/guests/catalogue.ts";
import { GuestRun } from "./support/guestRun.ts";

const folder = new URL("../../guests/", import.meta.url).pathname;
const guests = listGuests(folder).filter((guest) => guest.arch === "arm64");

/**
 * Lines that QEMU prints and the architecture does not: the syndrome of a trapped MSR DAIFSet has op1 and op2 in each
 * other's place there. Arm ARM D17.2.37, "ISS encoding for an exception from MSR, MRS, or System instruction".
 */
const corrections: Readonly<Record<string, readonly (readonly [qemu: string, manual: string])[]>> = {
  exceptions: [["EC 0x18, ISS 0x793e4", "EC 0x18, ISS 0xcd3e4"]],
};

function expectedOf(guest: Guest): string {
  let text = readFileSync(guest.expected, "utf8");
  for (const [qemu, manual] of corrections[guest.name] ?? []) {
    expect(text).toContain(qemu);
    text = text.replace(qemu, manual);
  }
  return text;
}

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
      expect(run.console).toBe(expectedOf(guest));
      if (guest.ends === "power-off") expect(stop).toEqual({ kind: "system", event: "SHUTDOWN" });
      else expect(stop).toEqual({ kind: "limit" });
    });
  }
});
