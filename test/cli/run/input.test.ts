import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputQueue } from "../../../src/cli/run/inputQueue.ts";
import { ListeningWatch } from "../../../src/cli/run/listening.ts";
import { Pace } from "../../../src/cli/run/pace.ts";
import type { KvmExit } from "../../../src/kvm/exits.ts";

describe("an input queue", () => {
  it("gives bytes and breaks in order, at most as many as are asked for", () => {
    const item = fc.oneof(fc.uint8Array({ maxLength: 9 }), fc.constant("break" as const));
    fc.assert(
      fc.property(fc.array(item), fc.integer({ min: 1, max: 5 }), (items, most) => {
        const queue = new InputQueue();
        for (const each of items) queue.push(each);
        const put = items.flatMap((each): (number | "break")[] => (each === "break" ? [each] : [...each]));
        expect(queue.length).toBe(put.length);
        const got: (number | "break")[] = [];
        for (let next = queue.take(most); next !== undefined; next = queue.take(most)) {
          if (next !== "break") expect(next.length).toBeLessThanOrEqual(most);
          if (next === "break") got.push(next);
          else got.push(...next);
        }
        expect(got).toEqual(put);
        expect(queue.length).toBe(0);
      }),
    );
  });
});

const DR = 0x0900_0000n;
const FR = 0x0900_0018n;
const IMSC = 0x0900_0038n;
const read = (address: bigint): KvmExit => ({ reason: "MMIO", address, length: 4, isWrite: false, data: 0n });
const write = (address: bigint, data: bigint): KvmExit =>
  ({ ...read(address), isWrite: true, data }) as KvmExit;

describe("a guest listens to its console", () => {
  const news = (...exits: KvmExit[]) => {
    const watch = new ListeningWatch();
    return exits.map((exit) => watch.observe(exit)).filter((each) => each !== undefined);
  };
  const now = { listensIn: 0n };
  const soon = { listensIn: 10_000_000n };

  it("soon after it allows the receive interrupt or the receive timeout's", () => {
    expect(news(write(IMSC, 0x10n))).toEqual([soon]);
    expect(news(write(IMSC, 0x40n))).toEqual([soon]);
    expect(news(write(IMSC, 0x20n))).toEqual([]);
  });

  it("not if it forbids it again, and once if it allows it twice", () => {
    expect(news(write(IMSC, 0x10n), write(IMSC, 0n))).toEqual([soon, "not after all"]);
    expect(news(write(IMSC, 0x10n), write(IMSC, 0x50n))).toEqual([soon]);
  });

  it("when it reads the data register", () => {
    expect(news(read(DR))).toEqual([now]);
    expect(news(write(IMSC, 0x10n), read(DR))).toEqual([soon, now]);
  });

  it("when it polls the flags without sending", () => {
    expect(news(...Array.from({ length: 16 }, () => read(FR)))).toEqual([now]);
  });

  it("but not when it looks at the flags between the characters it sends", () => {
    const sending = [read(FR), read(FR), read(FR), write(DR, 0x78n)];
    expect(news(...Array.from({ length: 100 }, () => sending).flat())).toEqual([]);
  });

  it("nor when another device is read", () => {
    expect(news(...Array.from({ length: 100 }, () => read(0x0901_0000n)))).toEqual([]);
  });

  it("anew after a restart", () => {
    const watch = new ListeningWatch();
    expect(watch.observe(read(DR))).toEqual(now);
    expect(watch.observe(read(DR))).toBeUndefined();
    watch.reset();
    expect(watch.listening).toBe(false);
    expect(watch.observe(read(DR))).toEqual(now);
  });
});

describe("the pace", () => {
  it("makes virtual time wait for the wall clock, but not for less than a millisecond", () => {
    let clock = 1000;
    const pace = new Pace(() => clock);
    expect(pace.untilDue(5_000_000)).toBe(5);
    expect(pace.untilDue(900_000)).toBe(0);
    clock += 4.5;
    expect(pace.now).toBe(4_500_000);
    expect(pace.untilDue(5_000_000)).toBe(0);
    expect(pace.untilDue(6_000_000)).toBe(2);
    expect(pace.untilDue(1_000)).toBe(0);
  });
});
