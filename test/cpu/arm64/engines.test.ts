import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { arm64Reg } from "../../../src/kvm/oneReg.ts";
import { Random } from "../../isa/arm64/differential/random.ts";
import { sequenceWord } from "../../isa/arm64/differential/regionCases.ts";
import { a64, sysreg } from "./support/assembler.ts";
import { BareMachine, type BareOptions, place } from "./support/machine.ts";

/** Registers of the loop around a program, which the program seldom touches. */
const [counter, scratch] = [28, 27];

/** Goes on behind the instruction that faulted. */
const handler = [
  a64.mrs(scratch, sysreg.ELR_EL1),
  a64.addImm(scratch, scratch, 4),
  a64.msr(sysreg.ELR_EL1, scratch),
  a64.eret,
];

interface Program {
  readonly body: readonly number[];
  readonly registers: readonly bigint[];
  readonly breakpoints: readonly bigint[];
  /** How many instructions each run may have. */
  readonly slice: number;
}

/** A loop of random instructions. X0–X2 point to data, X3 to the code itself, so that stores change what runs. */
function program(seed: number): Program {
  const random = new Random(seed, "engines");
  const mixture = random.oneIn(2) ? "calm" : "mixed";
  const body = Array.from({ length: 4 + random.below(36) }, () => sequenceWord(mixture, random));
  const registers = Array.from({ length: 31 }, (_, n) => {
    if (n < 3) return BigInt(place.data + 0x800 + random.below(0x80) * 16);
    if (n === 3) return BigInt(random.oneIn(2) ? place.code + random.below(12) * 16 : place.data + 0x100);
    if (n < 8) return BigInt(random.below(64) * 8);
    return random.oneIn(3) ? BigInt(random.below(100)) : random.u64();
  });
  const breakpoints = random.oneIn(3)
    ? Array.from({ length: 1 + random.below(3) }, () => BigInt(place.code + 4 * random.below(body.length)))
    : [];
  return { body, registers, breakpoints, slice: random.oneIn(3) ? 1 + random.below(60) : 5000 };
}

/** What the program comes to: every exit, and the state at the end. */
function run(machine: BareMachine, { body, registers, breakpoints, slice }: Program): unknown {
  const end = place.code + 4 * body.length;
  for (let offset = 0; offset < 0x800; offset += 0x80) machine.load(place.vectors + offset, [handler]);
  machine.poke(place.data, ...Array.from({ length: 0x400 }, (_, i) => BigInt(i) * 0x0101_0101n));
  machine.load(place.code, [body, a64.subsImm(counter, counter, 1), a64.cbnz(counter, -(body.length + 1))]);
  machine.load(
    end + 8,
    Array.from({ length: 8 }, () => [a64.wfe, a64.b(-1)]),
  );
  registers.forEach((value, n) => {
    machine.setX(n, value);
  });
  machine.setX(counter, 12n);
  const vcpu = machine.vcpu();
  for (let n = 0; n < 32; n++) vcpu.setOneReg(arm64Reg.v(n), BigInt(n) << BigInt(n));
  vcpu.setOneReg(arm64Reg.spEl1, BigInt(place.data + 0xc00));
  machine.set("CPACR_EL1", 3n << 20n);
  machine.set("VBAR_EL1", BigInt(place.vectors));
  machine.pstate = 0x3c5n;
  machine.pc = BigInt(place.code);
  machine.vm.unseenBreakpoints.plant(new Set(breakpoints));
  const begin = machine.vm.cluster.clock.nanoseconds;
  const exits: string[] = [];
  for (let n = 0; n < 200; n++) {
    const left = 6000 - (machine.vm.cluster.clock.nanoseconds - begin);
    if (left <= 0) break;
    const exit = vcpu.run(Math.min(slice, left));
    if (exit.reason === "MMIO") {
      vcpu.failMmio();
      continue;
    }
    if (exit.reason === "HALTED" || exit.reason === "SYSTEM_EVENT") break;
    if (exit.reason === "DEBUG") {
      exits.push(`${machine.vm.cluster.clock.nanoseconds - begin} at ${machine.pc.toString(16)}`);
      machine.vm.unseenBreakpoints.pass(0);
      // What is planted and taken away in between must not change anything else.
      if (n % 5 === 4) machine.vm.unseenBreakpoints.plant(new Set(n % 2 === 0 ? [] : breakpoints));
    } else if (exit.reason !== "INTR") {
      exits.push(exit.reason);
      break;
    }
  }
  machine.vm.unseenBreakpoints.plant(new Set());
  const memory = createHash("sha256");
  memory.update(machine.vm.readMemory(BigInt(place.code), 0x2000));
  memory.update(machine.vm.readMemory(BigInt(place.data), 0x2000));
  const ids = [...Array.from({ length: 31 }, (_, n) => arm64Reg.x(n)), arm64Reg.pc, arm64Reg.pstate];
  return {
    exits,
    nanoseconds: machine.vm.cluster.clock.nanoseconds - begin,
    registers: [...ids, ...Array.from({ length: 32 }, (_, n) => arm64Reg.v(n))].map((id) =>
      vcpu.getOneReg(id).toString(16),
    ),
    memory: memory.digest("hex"),
  };
}

const programs = Number(process.env["VMEXIT_ENGINE_PROGRAMS"] ?? 120);
const firstSeed = Number(process.env["VMEXIT_ENGINE_SEED"] ?? 1);

describe("random programs with loops, faults, breakpoints and stores into themselves", () => {
  const engines: readonly NonNullable<BareOptions["engine"]>[] = [
    { mode: "jit", heat: 0 },
    { mode: "jit", heat: 1 },
    { mode: "jit", heat: 8 },
    { mode: "auto", heat: 100 },
  ];
  it.each(engines)(
    "end with %o as they do interpreted",
    (engine) => {
      const interpreted = new BareMachine({ engine: { mode: "interpreter" } });
      const compiled = new BareMachine({ engine });
      let retired = 0;
      for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
        const each = program(seed);
        const expected = run(interpreted, each);
        expect(run(compiled, each), `seed ${seed}`).toEqual(expected);
        retired += (expected as { readonly nanoseconds: number }).nanoseconds;
      }
      expect(retired).toBeGreaterThan(50 * programs);
      expect(compiled.vm.cluster.engine.statistics.compiledInstructions).toBeGreaterThan(
        engine.heat === 100 ? 0 : 5 * programs,
      );
    },
    120_000,
  );
});

describe("the system counter in a compiled loop", () => {
  it("shows at every instruction what it does interpreted", () => {
    const [count, now, sum] = [1, 2, 3];
    // Blocks of several lengths: what a block has taken from the budget is not yet past at an instruction within it.
    const reads = Array.from({ length: 9 }, (_, n) => [
      ...Array.from({ length: n }, () => a64.addImm(sum, sum, 1)),
      a64.mrs(now, sysreg.CNTVCT_EL0),
      a64.add(sum, sum, now),
      ...(n % 3 === 2 ? [a64.b(1)] : []),
    ]);
    const body = reads.flat();
    const sums = (["interpreter", "jit"] as const).map((mode) => {
      const machine = new BareMachine({ engine: { mode } });
      machine.setX(count, 5000n);
      machine.execute([body, a64.subsImm(count, count, 1), a64.cbnz(count, -(body.length + 1))], 300_000);
      return { sum: machine.x(sum), retired: machine.vm.cluster.engine.statistics.compiledInstructions };
    });
    expect(sums[1]?.sum).toBe(sums[0]?.sum);
    expect(sums[1]?.retired).toBeGreaterThan(200_000);
  });
});
