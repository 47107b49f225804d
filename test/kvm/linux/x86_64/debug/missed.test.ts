import { describe, expect, it } from "vitest";
import { BreakSearch } from "../../../../../src/kvm/linux/x86_64/debug/breakSearch.ts";
import { faithful, type HostDebugFacts } from "../../../../../src/kvm/linux/x86_64/debug/facts.ts";
import { MissedEvents } from "../../../../../src/kvm/linux/x86_64/debug/missed.ts";
import { UserEntry } from "../../../../../src/kvm/linux/x86_64/debug/userEntry.ts";

/** A KVM that gives INT3 to the guest in real mode and user mode. */
const lacking: HostDebugFacts = { ...faithful, int3: { real: "guest", kernel: "exit", user: "guest" } };

function missedOn(facts: HostDebugFacts) {
  const told: string[] = [];
  const missed = new MissedEvents(facts);
  missed.onNotice = (text) => told.push(text);
  return { missed, told };
}

const always = (): boolean => true;
const never = (): boolean => false;

describe("INT3s that may have been missed, on a KVM that gives them to the guest", () => {
  it("are told when a guest left to itself turns up in real mode, and once", () => {
    const { missed, told } = missedOn(lacking);
    missed.leave("kernel", 0x1000n, always);
    missed.step("real");
    expect(told).toEqual([expect.stringContaining("has gone back to real mode")]);
    missed.leave("kernel", 0x1000n, always);
    missed.step("real");
    expect(told).toHaveLength(1);
    missed.reset();
    missed.leave("kernel", 0x1000n, always);
    missed.step("real");
    expect(told).toHaveLength(2);
  });

  it("are not in real mode that has been stepped from the start", () => {
    const { missed, told } = missedOn(lacking);
    missed.step("real");
    missed.step("kernel");
    missed.step("real");
    expect(told).toEqual([]);
  });

  it("are told when the #BP handler has changed and the guest can have been in user mode", () => {
    const { missed, told } = missedOn(lacking);
    missed.leave("kernel", 0x1000n, always);
    missed.leave("kernel", 0x1000n, always);
    missed.leave("kernel", 0x2000n, never);
    expect(told).toEqual([]);
    missed.leave("kernel", 0x3000n, always);
    expect(told).toEqual([expect.stringContaining("another #BP handler")]);
  });

  it("are told when user mode is entered where no handler can be waited for", () => {
    const { missed, told } = missedOn(lacking);
    missed.leave("user", 0x1000n, always);
    expect(told).toEqual([]);
    missed.reset();
    missed.leave("user", undefined, always);
    expect(told).toEqual([expect.stringContaining("without a #BP handler")]);
  });

  it("are not all that may be: unchanged bytes under watchpoints made up for by steps are told, once", () => {
    const { missed, told } = missedOn(lacking);
    missed.watch();
    missed.watch();
    expect(told).toEqual([expect.stringContaining("leaves the bytes as they are is not seen")]);
  });

  it("do not exist on a KVM that leaves nothing out", () => {
    const { missed, told } = missedOn(faithful);
    missed.leave("user", undefined, always);
    missed.leave("kernel", 0x1000n, always);
    missed.leave("kernel", 0x2000n, always);
    missed.step("real");
    expect(told).toEqual([]);
  });
});

describe("the way to user mode", () => {
  it("is stepped until user mode begins, and again when the guest begins anew", () => {
    const entry = new UserEntry(lacking);
    expect(entry.wanted(false)).toBe(true);
    expect(entry.wanted(true)).toBe(false);
    expect(entry.wanted(false)).toBe(false);
    entry.reset();
    expect(entry.wanted(false)).toBe(true);
  });

  it("is left after a quarter of a million steps", () => {
    const entry = new UserEntry(lacking);
    let steps = 0;
    for (; entry.wanted(false) && steps < 1_000_000; steps++) entry.step();
    expect(steps).toBe(0x4_0000);
    expect(entry.wanted(false)).toBe(false);
  });

  it.each([
    ["leaves nothing out", faithful],
    ["does not show entries from user mode", { ...lacking, userEntry: false }],
    ["cannot step", { ...lacking, step: { real: false, kernel: false, user: false } }],
  ] as const)("is of no interest on a KVM that %s", (_, facts) => {
    expect(new UserEntry(facts).wanted(false)).toBe(false);
  });

  it("does not count steps of real mode, which are needed in any case", () => {
    const memory = { view: () => new Uint8Array(4096) };
    const search = new BreakSearch(memory, lacking);
    for (let i = 0; i < 0x4_0001; i++) search.step("real");
    expect(search.wanted("kernel")).toBe(true);
  });
});
