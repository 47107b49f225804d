import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { arm64Reg } from "../../src/kvm/oneReg.ts";
import { GuestRun, type RunOptions } from "./support/guestRun.ts";

const folder = new URL("../../guests/arm64/", import.meta.url).pathname;

/** Everything about a finished run that must not depend on how it was driven. */
interface Outcome {
  readonly stop: unknown;
  readonly console: string;
  readonly nanoseconds: number;
  readonly instructions: number;
  readonly exits: readonly string[];
  readonly memory: string;
  readonly registers: readonly (readonly bigint[])[];
}

function outcomeOf(guest: string, slice: number, options: RunOptions): Outcome {
  const run = GuestRun.fromElf(`${folder}${guest}/${guest}.elf`, { memoryBytes: 16 << 20, ...options });
  const exits = run.recordExits();
  const stop = run.until(10_000_000_000, slice);
  const { machine } = run;
  const memory = createHash("sha256");
  const { base, size } = machine.board.ram;
  memory.update(machine.vm.readMemory(base, Number(size)));
  return {
    stop,
    console: run.console,
    nanoseconds: machine.now,
    instructions: machine.instructions,
    exits,
    memory: memory.digest("hex"),
    registers: machine.vm.vcpus.map((vcpu) =>
      [...Array.from({ length: 31 }, (_, n) => arm64Reg.x(n)), arm64Reg.pc, arm64Reg.pstate].map((id) =>
        vcpu.getOneReg(id),
      ),
    ),
  };
}

describe.each([
  ["timer", { cpus: 1 }, [1000, 997, 10_000_000]],
  ["smp", { cpus: 4 }, [7, 1000, 10_000_000]],
  ["smp", { cpus: 4, gicVersion: 2 }, [1000, 10_000_000]],
  ["exceptions", { cpus: 1 }, [1, 7, 1000]],
  ["selfmodify", { cpus: 1 }, [1, 7, 1000]],
  ["hello", { cpus: 1 }, [1, 7]],
  ["jump-to-nowhere", { cpus: 1 }, [1, 7]],
] as const)("the guest %s on %o", (guest, options, slices) => {
  const reference = outcomeOf(guest, 100_000_000, options);

  it("ends with a power-off", () => {
    expect(reference.stop).toEqual({ kind: "system", event: "SHUTDOWN" });
  });

  it("does the same again", () => {
    expect(outcomeOf(guest, 100_000_000, options)).toEqual(reference);
  });

  it.each(slices)("does the same in slices of %i", (slice) => {
    const outcome = outcomeOf(guest, slice, options);
    expect(outcome.console).toBe(reference.console);
    expect(outcome.exits).toEqual(reference.exits);
    expect(outcome).toEqual(reference);
  });
});

describe("looking at a machine between slices", () => {
  it("changes nothing: registers, translations and deadlines of all vCPUs", () => {
    const reference = outcomeOf("smp", 100_000_000, { cpus: 4 });
    const run = GuestRun.fromElf(`${folder}smp/smp.elf`, { memoryBytes: 16 << 20, cpus: 4 });
    const exits = run.recordExits();
    let stop = run.machine.advance(1009);
    while (stop.kind === "limit") {
      for (const vcpu of run.machine.vm.vcpus) {
        vcpu.getOneReg(arm64Reg.pc);
        vcpu.translate(0x4008_0000n);
        vcpu.timerDeadline();
      }
      stop = run.machine.advance(1009);
    }
    expect(run.console).toBe(reference.console);
    expect(run.machine.now).toBe(reference.nanoseconds);
    expect(exits).toEqual(reference.exits);
  });
});
