import { describe, expect, it } from "vitest";
import { Timeline } from "../../src/vmm/timeline.ts";

describe("the devices' virtual time", () => {
  it("calls back at the deadline, in order of deadline and then of asking", () => {
    let now = 0;
    const timeline = new Timeline(() => now);
    const called: string[] = [];
    timeline.at(20n, () => called.push("c"));
    timeline.at(10n, () => called.push("a"));
    timeline.at(20n, () => called.push("d"));
    timeline.at(10n, () => called.push("b"));
    expect(timeline.next).toBe(10);
    timeline.runDue();
    expect(called).toEqual([]);
    now = 10;
    timeline.runDue();
    expect(called).toEqual(["a", "b"]);
    expect(timeline.next).toBe(20);
    now = 1000;
    timeline.runDue();
    expect(called).toEqual(["a", "b", "c", "d"]);
    expect(timeline.next).toBeUndefined();
    expect(timeline.now()).toBe(1000n);
  });

  it("what a callback asks for comes in the same go if it is due, and a past deadline is never called from inside `at`", () => {
    let now = 100;
    const timeline = new Timeline(() => now);
    const called: number[] = [];
    timeline.at(50n, () => {
      called.push(1);
      timeline.at(60n, () => called.push(2));
      timeline.at(101n, () => called.push(3));
    });
    expect(called).toEqual([]);
    timeline.runDue();
    expect(called).toEqual([1, 2]);
    now = 101;
    timeline.runDue();
    expect(called).toEqual([1, 2, 3]);
  });

  it("a cancelled event is not called, and cancelling twice or late is harmless", () => {
    const timeline = new Timeline(() => 5);
    const called: string[] = [];
    const first = timeline.at(1n, () => called.push("first"));
    const second = timeline.at(2n, () => called.push("second"));
    first.cancel();
    first.cancel();
    timeline.runDue();
    second.cancel();
    expect(called).toEqual(["second"]);
    expect(timeline.next).toBeUndefined();
  });
});
