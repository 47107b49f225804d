import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { listGuests } from "../../scripts/guests/catalogue.ts";
import { GuestRun } from "../vmm/support/guest_run.ts";

const guests = listGuests(new URL("../../guests/", import.meta.url).pathname);
const longest = 3_000_000_000;

/** Every exit but the ends of slices, the console, all of memory and the virtual time of a run in slices of `slice` nanoseconds. */
function fingerprint(name: string, cpus: number, slice: number): string {
  const guest = guests.find((each) => each.arch === "arm64" && each.name === name);
  if (guest === undefined) throw new Error(`no guest ${name}`);
  const run = GuestRun.fromElf(guest.elf, { cpus });
  const { machine } = run;
  const hash = createHash("sha256");
  machine.onExit = (vcpu, exit) => {
    if (exit.reason === "INTR") return;
    hash.update(
      JSON.stringify({ vcpu, at: machine.now, ...exit }, (_, value: unknown) =>
        typeof value === "bigint" ? `${value}n` : value,
      ),
    );
  };
  let stop = machine.advance(slice);
  while (stop.kind === "limit" && machine.now < longest) stop = machine.advance(slice);
  expect(stop).toEqual({ kind: "system", event: "SHUTDOWN" });
  hash.update(run.console);
  hash.update(machine.memory.read(machine.board.ram.base, Number(machine.board.ram.size)));
  hash.update(String(machine.now));
  return hash.digest("hex");
}

describe.each([
  ["timer", 1],
  ["smp", 4],
  ["exceptions", 1],
  ["selfmodify", 1],
] as const)("two runs of %s on %i CPUs", (name, cpus) => {
  const reference = fingerprint(name, cpus, 1_000_000_000);

  it("take the same exits at the same instructions and leave the same memory", () => {
    expect(fingerprint(name, cpus, 1_000_000_000)).toBe(reference);
  });

  it.each([10_007, 1_000_000])("are the same when the host takes its turn every %i instructions", (slice) => {
    expect(fingerprint(name, cpus, slice)).toBe(reference);
  });
});
