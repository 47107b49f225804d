import { describe, expect, it } from "vitest";
import { IDLE_PRIORITY, Priorities } from "../../../src/machine/gic/priority.ts";

describe("the priorities of a CPU interface", () => {
  // GICv3 table 4-8: with 5 priority bits, which of two priorities preempts by binary point.
  const table: { group: 0 | 1; bpr: number; running: number; pending: number; preempts: boolean }[] = [
    { group: 0, bpr: 2, running: 0x80, pending: 0x78, preempts: true },
    { group: 0, bpr: 3, running: 0x88, pending: 0x80, preempts: false },
    { group: 0, bpr: 3, running: 0x80, pending: 0x78, preempts: true },
    { group: 0, bpr: 5, running: 0xb0, pending: 0x88, preempts: false },
    { group: 0, bpr: 6, running: 0xf8, pending: 0x80, preempts: false },
    { group: 0, bpr: 6, running: 0x80, pending: 0x78, preempts: true },
    { group: 0, bpr: 7, running: 0x80, pending: 0x00, preempts: false },
    { group: 1, bpr: 3, running: 0x80, pending: 0x78, preempts: true },
    { group: 1, bpr: 4, running: 0x88, pending: 0x80, preempts: false },
    { group: 1, bpr: 7, running: 0x80, pending: 0x78, preempts: true },
    { group: 1, bpr: 7, running: 0xf8, pending: 0x80, preempts: false },
  ];

  it.each(table)("group $group, binary point $bpr: $pending against $running", (row) => {
    const priorities = new Priorities();
    priorities.pmr = 0xff;
    priorities.setBpr(row.group, row.bpr);
    priorities.activate(row.running, row.group);
    expect(priorities.canSignal(row.pending, row.group)).toBe(row.preempts);
  });

  it("mask what is not more urgent than PMR, of which 5 bits exist", () => {
    const priorities = new Priorities();
    priorities.pmr = 0x87;
    expect(priorities.pmr).toBe(0x80);
    expect(priorities.canSignal(0x80, 1)).toBe(false);
    expect(priorities.canSignal(0x78, 1)).toBe(true);
  });

  it("cannot have binary points below what 5 priority bits allow", () => {
    const priorities = new Priorities();
    priorities.setBpr(0, 0);
    priorities.setBpr(1, 0);
    expect([priorities.bpr(0), priorities.bpr(1)]).toEqual([2, 3]);
  });

  it("let BPR0 rule both groups with CBPR, and keep BPR1 for later", () => {
    const priorities = new Priorities();
    priorities.pmr = 0xff;
    priorities.setBpr(1, 3);
    priorities.setBpr(0, 5);
    priorities.cbpr = true;
    priorities.activate(0xb0, 1);
    expect(priorities.canSignal(0x88, 1)).toBe(false);
    priorities.cbpr = false;
    expect(priorities.bpr(1)).toBe(3);
  });

  it("nest: the most urgent is running, and each drop goes back to the one before", () => {
    const priorities = new Priorities();
    priorities.activate(0xa0, 1);
    priorities.activate(0x40, 0);
    expect([priorities.running, priorities.runningGroup]).toEqual([0x40, 0]);
    priorities.drop(0);
    expect([priorities.running, priorities.runningGroup]).toEqual([0xa0, 1]);
    priorities.drop(1);
    expect([priorities.running, priorities.runningGroup]).toEqual([IDLE_PRIORITY, undefined]);
  });

  it("reach the lowest priority's active bit and clear it", () => {
    const priorities = new Priorities();
    priorities.activate(0xf8, 1);
    expect(priorities.activePriorities(1)).toBe(0x8000_0000);
    expect(priorities.running).toBe(0xf8);
    priorities.drop(1);
    expect(priorities.activePriorities(1)).toBe(0);
  });
});
