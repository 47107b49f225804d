import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { arm64Reg } from "../../src/kvm/oneReg.ts";
import { instructionSet } from "../cpu/arm64/support/machine.ts";
import { GuestRun, type RunOptions } from "./support/guestRun.ts";
import { HostileMachine, hostileProgram } from "./support/hostile.ts";
import { LateService } from "./support/lateService.ts";

const folder = new URL("../../guests/arm64/", import.meta.url).pathname;

/** Everything about a run that must not depend on how guest code is executed. */
interface Outcome {
  readonly stop: unknown;
  readonly console: string;
  readonly nanoseconds: number;
  readonly instructions: number;
  readonly exits: string;
  readonly memory: string;
  readonly registers: readonly (readonly bigint[])[];
}

const registerIds = [
  ...Array.from({ length: 31 }, (_, n) => arm64Reg.x(n)),
  ...Array.from({ length: 32 }, (_, n) => arm64Reg.v(n)),
  arm64Reg.pc,
  arm64Reg.sp,
  arm64Reg.pstate,
];

function outcomeOf(guest: string, limit: number, slice: number, options: RunOptions): Outcome {
  const run = GuestRun.fromElf(`${folder}${guest}/${guest}.elf`, { memoryBytes: 16 << 20, ...options });
  const exits = run.recordExits();
  const stop = run.until(limit, slice);
  const { machine } = run;
  const { base, size } = machine.board.ram;
  return {
    stop,
    console: run.console,
    nanoseconds: machine.now,
    instructions: machine.instructions,
    exits: createHash("sha256").update(exits.join("\n")).digest("hex"),
    memory: createHash("sha256")
      .update(machine.vm.readMemory(base, Number(size)))
      .digest("hex"),
    registers: machine.vm.vcpus.map((vcpu) => registerIds.map((id) => vcpu.getOneReg(id))),
  };
}

const engines: readonly (RunOptions & { readonly slice: number })[] = [
  { engine: "jit", heat: 0, slice: 100_000_000 },
  { engine: "jit", slice: 997 },
  { engine: "auto", heat: 100, slice: 100_000_000 },
  { engine: "auto", slice: 12_345 },
];

describe.each([
  ["hello", 1, 10_000_000_000],
  ["exceptions", 1, 10_000_000_000],
  ["selfmodify", 1, 10_000_000_000],
  ["timer", 1, 10_000_000],
  ["smp", 4, 10_000_000_000],
  ["bench-int", 1, 20_000_000],
  ["bench-sha256", 1, 10_000_000],
  ["bench-mem", 1, 10_000_000],
  ["bench-fp", 1, 10_000_000],
  ["bench-call", 1, 10_000_000],
] as const)("the guest %s on %i CPUs", (guest, cpus, limit) => {
  const reference = outcomeOf(guest, limit, 100_000_000, { cpus, engine: "interpreter" });
  it.each(engines)("does with %o what it does interpreted", ({ slice, ...engine }) => {
    const outcome = outcomeOf(guest, limit, slice, { cpus, ...engine });
    expect(outcome.console).toBe(reference.console);
    expect(outcome).toEqual(reference);
  });
});

describe.each([
  ["selfmodify", 1, 10_000_000_000],
  ["timer", 1, 10_000_000],
  ["smp", 4, 10_000_000_000],
  ["bench-codegen", 1, 5_000_000],
  ["bench-call", 1, 10_000_000],
] as const)("the guest %s on %i CPUs, its regions compiled elsewhere", (guest, cpus, limit) => {
  const reference = outcomeOf(guest, limit, 100_000_000, { cpus, engine: "interpreter" });
  it.each([
    { late: 0, slice: 100_000_000 },
    { late: 3, slice: 997 },
    { late: 100, slice: 100_000_000 },
    { late: 5, lasts: 2, slice: 12_345 },
  ])("does with %o what it does interpreted", ({ late, lasts, slice }) => {
    const regionService = new LateService(instructionSet, late, lasts);
    const outcome = outcomeOf(guest, limit, slice, { cpus, engine: "auto", heat: 20, regionService });
    expect(outcome).toEqual(reference);
    expect(regionService.posted).toBeGreaterThan(0);
  });
});

describe("random programs on a whole machine", () => {
  it.each([
    { engine: "jit", heat: 0 },
    { engine: "jit", heat: 3 },
  ] as const)(
    "end with %o as they do interpreted, at the same nanosecond",
    (engine) => {
      const [interpreted, compiled] = [
        new HostileMachine(3, { engine: "interpreter" }),
        new HostileMachine(3, engine),
      ];
      for (let seed = 1; seed <= 150; seed++) {
        const program = hostileProgram(seed);
        const stop = interpreted.run(program, 400);
        expect(compiled.run(program, 400, seed % 3 === 0 ? 7 : 400), `seed ${seed}`).toEqual(stop);
        expect(compiled.machine.now, `seed ${seed}`).toBe(interpreted.machine.now);
        expect(compiled.state(), `seed ${seed}`).toBe(interpreted.state());
      }
    },
    120_000,
  );
});

describe("an engine", () => {
  it("runs nearly all of a long run in regions, and says so", () => {
    const run = GuestRun.fromElf(`${folder}bench-int/bench-int.elf`, { engine: "auto" });
    run.until(50_000_000);
    const { regions, compiledInstructions, exits } = run.machine.engineStatistics;
    expect(compiledInstructions).toBeGreaterThan(0.95 * run.machine.instructions);
    expect(regions?.live).toBeGreaterThan(0);
    expect(exits.short).toBeGreaterThan(0);
  });

  it("runs nearly all of a long run in regions that come late", () => {
    const regionService = new LateService(instructionSet, 2);
    const run = GuestRun.fromElf(`${folder}bench-int/bench-int.elf`, { engine: "auto", regionService });
    run.until(50_000_000);
    const { regions, compiledInstructions } = run.machine.engineStatistics;
    expect(compiledInstructions).toBeGreaterThan(0.95 * run.machine.instructions);
    expect(regions?.live).toBeGreaterThan(0);
  });

  it("makes no region when it is to interpret", () => {
    const run = GuestRun.fromElf(`${folder}bench-call/bench-call.elf`, { engine: "interpreter" });
    run.until(1_000_000);
    expect(run.machine.engineStatistics).toMatchObject({ regions: undefined, compiledInstructions: 0 });
  });
});
