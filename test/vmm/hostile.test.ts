import { describe, expect, it } from "vitest";
import { HostileMachine, hostileProgram } from "./support/hostile.ts";

/** How many programs; more by the environment, for a longer hunt: VMEXIT_HOSTILE_PROGRAMS and VMEXIT_HOSTILE_SEED. */
const programs = Number(process.env["VMEXIT_HOSTILE_PROGRAMS"] ?? 2000);
const firstSeed = Number(process.env["VMEXIT_HOSTILE_SEED"] ?? 1);
const nanoseconds = 400;

describe.each([3, 2] as const)("random programs on a machine with a GICv%i", (gicVersion) => {
  it("end by themselves or by their limit, and never break the machine", () => {
    const hostile = new HostileMachine(gicVersion);
    const ends = new Map<string, number>();
    for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
      const program = hostileProgram(seed);
      const begin = hostile.machine.now;
      try {
        const stop = hostile.run(program, nanoseconds);
        // Only what is not implemented may fail, and by name; there is nothing of that kind here.
        expect(stop, `seed ${seed}`).not.toMatchObject({ kind: "failed" });
        if (stop.kind === "limit") expect(hostile.machine.now - begin, `seed ${seed}`).toBe(nanoseconds);
        ends.set(stop.kind, (ends.get(stop.kind) ?? 0) + 1);
      } catch (error) {
        throw new Error(`the program of seed ${seed} broke the machine`, { cause: error });
      }
    }
    // The programs do get somewhere.
    expect(ends.get("limit") ?? 0).toBeGreaterThan(programs / 2);
    expect([...ends.keys()].sort()).toEqual(expect.arrayContaining(["idle", "limit"]));
  }, 3_600_000);
});

describe("random programs in slices", () => {
  it("end in the same state as in one go, at the same nanosecond", () => {
    // The two machines have the same past, so that their clocks agree.
    const [whole, sliced] = [new HostileMachine(3), new HostileMachine(3)];
    for (let seed = firstSeed; seed < firstSeed + programs / 4; seed++) {
      const program = hostileProgram(seed);
      const stop = whole.run(program, nanoseconds);
      const again = sliced.run(program, nanoseconds, 1 + (seed % 13));
      expect(again, `seed ${seed}`).toEqual(stop);
      expect(sliced.machine.now, `seed ${seed}`).toBe(whole.machine.now);
      expect(sliced.state(), `seed ${seed}`).toBe(whole.state());
    }
  }, 3_600_000);
});
