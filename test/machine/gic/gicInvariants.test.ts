import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Gicv2 } from "../../../src/machine/gic/gicv2.ts";
import { Gicv3 } from "../../../src/machine/gic/gicv3.ts";
import { ICC } from "../../../src/machine/gic/gicv3Registers.ts";

const CPUS = 2;
const cpu = fc.integer({ min: 0, max: CPUS - 1 });
const word = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 2, 0xffff_ffff));
const step = fc.oneof(
  fc.record({
    kind: fc.constant("spi" as const),
    intid: fc.integer({ min: 32, max: 63 }),
    level: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("ppi" as const),
    cpu,
    intid: fc.integer({ min: 16, max: 31 }),
    level: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("write" as const),
    cpu,
    offset: fc.integer({ min: 0, max: 0x3ff }),
    value: word,
  }),
  fc.record({ kind: fc.constant("interface" as const), cpu, register: fc.nat(), value: word }),
  fc.record({ kind: fc.constant("acknowledge" as const), cpu }),
  fc.record({ kind: fc.constant("end" as const), cpu }),
);

/** The two versions behind the same verbs. */
interface Subject {
  readonly gic: Gicv2 | Gicv3;
  write(cpu: number, offset: number, value: number): void;
  interface(cpu: number, register: number, value: number): void;
  /** Acknowledges whatever is signalled; 1020 and more for nothing. */
  acknowledge(cpu: number): number;
  end(cpu: number, intid: number): void;
  running(cpu: number): number;
}

function version2(): Subject {
  const gic = new Gicv2(CPUS, 64);
  const registers = [0, 4, 8, 0x1c];
  return {
    gic,
    write: (at, offset, value) => gic.distributor.write(offset * 4, 4, BigInt(value), at),
    interface: (at, register, value) =>
      gic.cpuInterface.write(registers[register % registers.length] ?? 0, 4, BigInt(value), at),
    acknowledge: (at) => {
      const answer = Number(gic.cpuInterface.read(0xc, 4, at));
      return (answer & 0x3ff) === 1022 ? Number(gic.cpuInterface.read(0x20, 4, at)) : answer;
    },
    end: (at, intid) => gic.cpuInterface.write(0x10, 4, BigInt(intid), at),
    running: (at) => Number(gic.cpuInterface.read(0x14, 4, at)),
  };
}

function version3(): Subject {
  const gic = new Gicv3(CPUS, 64);
  const registers = [
    ICC.PMR_EL1,
    ICC.BPR0_EL1,
    ICC.BPR1_EL1,
    ICC.CTLR_EL1,
    ICC.IGRPEN0_EL1,
    ICC.IGRPEN1_EL1,
    ICC.SGI1R_EL1,
  ];
  const read = (at: number, register: number) => Number(gic.readSystemRegister(at, register));
  return {
    gic,
    write: (at, offset, value) => {
      gic.distributor.write(offset * 4, 4, BigInt(value));
      gic.redistributors.write(at * 0x2_0000 + 0x1_0000 + offset * 4, 4, BigInt(value));
    },
    interface: (at, register, value) => {
      gic.writeSystemRegister(at, registers[register % registers.length] ?? 0, BigInt(value));
    },
    acknowledge: (at) => {
      const group1 = read(at, ICC.IAR1_EL1);
      return group1 < 1020 ? group1 : read(at, ICC.IAR0_EL1);
    },
    end: (at, intid) => {
      gic.writeSystemRegister(at, ICC.EOIR0_EL1, BigInt(intid));
      gic.writeSystemRegister(at, ICC.EOIR1_EL1, BigInt(intid));
    },
    running: (at) => read(at, ICC.RPR_EL1),
  };
}

const versions: [string, () => Subject][] = [
  ["GICv2", version2],
  ["GICv3", version3],
];

describe.each(versions)("%s invariants", (_, make) => {
  it("acknowledges exactly when it signals, and never something less urgent than it handles", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const subject = make();
        const { gic } = subject;
        const told = Array.from({ length: CPUS }, (_unused, index) => gic.pending(index));
        gic.onChange = (at) => {
          expect(gic.pending(at)).not.toEqual(told[at]);
          told[at] = gic.pending(at);
        };
        const handled: number[][] = Array.from({ length: CPUS }, () => []);
        for (const s of steps) {
          if (s.kind === "spi") gic.setSpi(s.intid, s.level);
          else if (s.kind === "ppi") gic.setPpi(s.cpu, s.intid, s.level);
          else if (s.kind === "write") subject.write(s.cpu, s.offset, s.value);
          else if (s.kind === "interface") subject.interface(s.cpu, s.register, s.value);
          else if (s.kind === "end") {
            const last = handled[s.cpu]?.pop();
            if (last !== undefined) subject.end(s.cpu, last);
          } else {
            const { irq, fiq } = gic.pending(s.cpu);
            const before = subject.running(s.cpu);
            const intid = subject.acknowledge(s.cpu);
            expect((intid & 0x3ff) < 1020).toBe(irq || fiq);
            if ((intid & 0x3ff) < 1020) {
              handled[s.cpu]?.push(intid);
              expect(subject.running(s.cpu)).toBeLessThanOrEqual(before);
            }
          }
          // What was told is what is: no change goes untold.
          for (let index = 0; index < CPUS; index += 1) expect(gic.pending(index)).toEqual(told[index]);
        }
      }),
    );
  });

  it("goes on from a saved state as if nothing had happened", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.array(step, { maxLength: 20 }), (before, after) => {
        const run = (subject: Subject, steps: typeof before) => {
          for (const s of steps) {
            if (s.kind === "spi") subject.gic.setSpi(s.intid, s.level);
            else if (s.kind === "ppi") subject.gic.setPpi(s.cpu, s.intid, s.level);
            else if (s.kind === "write") subject.write(s.cpu, s.offset, s.value);
            else if (s.kind === "interface") subject.interface(s.cpu, s.register, s.value);
            else if (s.kind === "acknowledge") subject.acknowledge(s.cpu);
          }
        };
        const first = make();
        run(first, before);
        const second = make();
        const saved = structuredClone(first.gic.save());
        second.gic.load(saved as never);
        expect(second.gic.save()).toEqual(saved);
        for (let index = 0; index < CPUS; index += 1)
          expect(second.gic.pending(index)).toEqual(first.gic.pending(index));
        run(first, after);
        run(second, after);
        expect(second.gic.save()).toEqual(first.gic.save());
        first.gic.reset();
        expect([0, 1].map((index) => first.gic.pending(index))).toEqual([
          { irq: false, fiq: false },
          { irq: false, fiq: false },
        ]);
      }),
    );
  });

  it("refuses a state of another size", () => {
    const small = make().gic;
    const large = small.version === 2 ? new Gicv2(CPUS, 96) : new Gicv3(CPUS, 96);
    expect(() => small.load(large.save() as never)).toThrow(/another number/);
  });
});
