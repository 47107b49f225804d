import { describe, expect, it } from "vitest";
import { a64 } from "./support/assembler.ts";
import { BareMachine, place, stopped } from "./support/machine.ts";

const daif = "3 3 4 2 1";
const [mark, mask, open] = [0, 1, 2];

/** Masks IRQ, marks, unmasks it, marks again. */
const programs = [
  ["MSR DAIFSet and DAIFClr", [a64.daifSet(2), a64.movz(mark, 1), a64.daifClear(2), a64.movz(mark, 2)]],
  ["MSR DAIF", [a64.msr(daif, mask), a64.movz(mark, 1), a64.msr(daif, open), a64.movz(mark, 2)]],
] as const;

describe.each(programs)("%s", (_name, program) => {
  const machine = (asserted: boolean): BareMachine => {
    const made = new BareMachine();
    made.pstate = 0x3c5n;
    made.setX(mask, 0x3c0n);
    made.setX(open, 0x340n);
    made.interrupts.irq[0] = asserted;
    return made;
  };

  it("takes an interrupt that was asserted meanwhile after the very instruction that unmasks it", () => {
    const made = machine(true);
    expect(made.execute([...program])).toEqual(stopped);
    expect(made.x(mark)).toBe(1n);
    expect(made.get("ELR_EL1")).toBe(BigInt(place.code + 12));
    expect(made.get("SPSR_EL1") & 0x3c0n).toBe(0x340n);
  });

  it("goes on where none is asserted", () => {
    const made = machine(false);
    expect(made.execute([...program])).toEqual(stopped);
    expect(made.x(mark)).toBe(2n);
    expect(made.pstate & 0x3c0n).toBe(0x340n);
  });
});
