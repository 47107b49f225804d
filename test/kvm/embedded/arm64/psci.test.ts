import { describe, expect, it } from "vitest";
import { psci } from "../../../../src/kvm/embedded/arm64/psci.ts";
import type { KvmExit } from "../../../../src/kvm/exits.ts";
import { arm64Reg } from "../../../../src/kvm/oneReg.ts";
import { a64 } from "../../../cpu/arm64/support/assembler.ts";
import { BareMachine, place, stop, stopped } from "../../../cpu/arm64/support/machine.ts";

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const NOT_SUPPORTED = u64(-1n);
const INVALID_PARAMETERS = u64(-2n);
const ALREADY_ON = u64(-4n);
const INTERNAL_FAILURE = u64(-6n);

/** Calls with HVC on vCPU 0; the exit after it. */
function call(machine: BareMachine, id: number, ...args: readonly bigint[]): KvmExit {
  machine.setX(0, BigInt(id));
  [0n, 0n, 0n].forEach((_, i) => {
    machine.setX(i + 1, args[i] ?? 0n);
  });
  return machine.execute([a64.hvc(0)]);
}

/** What a call that returns gives in X0. */
function answer(machine: BareMachine, id: number, ...args: readonly bigint[]): bigint {
  expect(call(machine, id, ...args)).toEqual(stopped);
  return machine.x(0);
}

/** A machine whose vCPUs but the first are off, as after its start. */
function machineAtStart(cpus = 1): BareMachine {
  const machine = new BareMachine({ cpus });
  for (const vcpu of machine.vm.vcpus.slice(1)) vcpu.powerOff();
  return machine;
}

describe("PSCI and SMCCC calls that only answer", () => {
  const machine = machineAtStart(2);

  it("versions", () => {
    expect(answer(machine, psci.VERSION)).toBe(0x1_0001n);
    expect(answer(machine, psci.SMCCC_VERSION)).toBe(0x1_0001n);
    expect(answer(machine, psci.MIGRATE_INFO_TYPE)).toBe(2n);
  });

  it("FEATURES knows every call there is, and no other", () => {
    for (const id of Object.values(psci)) expect(answer(machine, psci.FEATURES, BigInt(id))).toBe(0n);
    for (const id of [0x8400_0005n, 0xc400_0005n, 0x8400_000en, 0xdead_beefn, 0n])
      expect(answer(machine, psci.FEATURES, id)).toBe(NOT_SUPPORTED);
  });

  it("SMCCC_ARCH_FEATURES: no workaround is needed", () => {
    expect(answer(machine, psci.SMCCC_ARCH_FEATURES, BigInt(psci.SMCCC_VERSION))).toBe(0n);
    for (const workaround of [0x8000_8000n, 0x8000_7fffn, 0x8000_3fffn])
      expect(answer(machine, psci.SMCCC_ARCH_FEATURES, workaround)).toBe(NOT_SUPPORTED);
  });

  it.each([0, 1, 0x8400_0005, 0x8400_000b, 0xc600_0000, 0x8600_ff01, 0xffff_ffff])(
    "a call that is none (0x%s) is not supported",
    (id) => {
      expect(answer(machine, id)).toBe(NOT_SUPPORTED);
    },
  );

  it("the identifier is 32 bits, results are X0 to X3, and other registers stay", () => {
    for (let n = 4; n < 31; n++) machine.setX(n, BigInt(n));
    machine.setX(0, 0xffff_ffff_8400_0000n);
    machine.setX(1, 5n);
    machine.execute([a64.hvc(0x1234)]);
    expect([0, 1, 2, 3].map((n) => machine.x(n))).toEqual([0x1_0001n, 0n, 0n, 0n]);
    for (let n = 4; n < 31; n++) expect(machine.x(n)).toBe(BigInt(n));
  });

  it("HVC takes one instruction and goes on after it", () => {
    const { clock } = machine.vm.cluster;
    const begin = clock.nanoseconds;
    machine.setX(0, 0x8400_0000n);
    machine.execute([a64.hvc(0), a64.nop]);
    expect(clock.nanoseconds - begin).toBe(3);
    expect(machine.pc).toBe(BigInt(place.code + 12));
  });
});

describe("CPU_ON", () => {
  it.each([
    ["64-bit", psci.CPU_ON_64],
    ["32-bit", psci.CPU_ON_32],
  ] as const)("%s: starts a vCPU at the entry, masked, MMU off, with the context in X0", (_, id) => {
    const machine = machineAtStart(3);
    machine.load(place.data, stop);
    expect(machine.vcpu(2).mpState).toBe("STOPPED");
    machine.setX(7, 99n, 2);
    const context = 0x1_2345_6789n;
    expect(answer(machine, id, 2n, BigInt(place.data), context)).toBe(0n);
    expect(machine.vcpu(2).mpState).toBe("RUNNABLE");
    expect(machine.vcpu(1).mpState).toBe("STOPPED");
    const started = machine.vcpu(2);
    expect(started.getOneReg(arm64Reg.pc)).toBe(BigInt(place.data));
    expect(started.getOneReg(arm64Reg.pstate)).toBe(0x3c5n);
    expect(machine.x(0, 2)).toBe(id === psci.CPU_ON_64 ? context : BigInt.asUintN(32, context));
    expect(machine.x(7, 2)).toBe(0n);
    expect(machine.get("SCTLR_EL1", 2) & 1n).toBe(0n);
    expect(machine.run(100, 2)).toEqual(stopped);
  });

  it("ALREADY_ON for one that is, itself too; INVALID_PARAMETERS for one that there is not", () => {
    const machine = machineAtStart(2);
    expect(answer(machine, psci.CPU_ON_64, 0n, BigInt(place.data))).toBe(ALREADY_ON);
    for (const target of [2n, 0x100n, 1n << 32n, 0x8000_0000n | 5n])
      expect(answer(machine, psci.CPU_ON_64, target, BigInt(place.data))).toBe(INVALID_PARAMETERS);
    expect(answer(machine, psci.CPU_ON_64, 1n, BigInt(place.data))).toBe(0n);
    expect(answer(machine, psci.CPU_ON_64, 1n, BigInt(place.data))).toBe(ALREADY_ON);
  });

  it("a vCPU that was switched off starts again from reset", () => {
    const machine = machineAtStart(2);
    machine.load(place.data, [a64.movz(9, 9), a64.hvc(0)]);
    answer(machine, psci.CPU_ON_64, 1n, BigInt(place.data), BigInt(psci.CPU_OFF));
    expect(machine.run(100, 1)).toEqual({ reason: "HALTED", until: "power-on" });
    expect(machine.vcpu(1).mpState).toBe("STOPPED");
    expect(machine.vcpu(1).runnable).toBe(false);
    expect(machine.run(100, 1)).toEqual({ reason: "HALTED", until: "power-on" });
    expect(answer(machine, psci.CPU_ON_64, 1n, BigInt(place.data), 5n)).toBe(0n);
    expect(machine.x(9, 1)).toBe(0n);
    expect(machine.x(0, 1)).toBe(5n);
  });
});

describe("AFFINITY_INFO", () => {
  it("0 for on, 1 for off, by affinity level", () => {
    const machine = machineAtStart(2);
    for (const id of [psci.AFFINITY_INFO_32, psci.AFFINITY_INFO_64]) {
      expect(answer(machine, id, 0n, 0n)).toBe(0n);
      expect(answer(machine, id, 1n, 0n)).toBe(1n);
      expect(answer(machine, id, 2n, 0n)).toBe(INVALID_PARAMETERS);
      // At level 1 and above all vCPUs are of one cluster, and one of them is on.
      for (const level of [1n, 2n, 3n]) expect(answer(machine, id, 0n, level)).toBe(0n);
      expect(answer(machine, id, 0x100n, 1n)).toBe(INVALID_PARAMETERS);
      expect(answer(machine, id, 0n, 4n)).toBe(INVALID_PARAMETERS);
    }
  });
});

describe("CPU_SUSPEND", () => {
  it.each([psci.CPU_SUSPEND_32, psci.CPU_SUSPEND_64])("0x%i waits as WFI does and returns success", (id) => {
    const machine = machineAtStart();
    expect(call(machine, id, 0n)).toEqual({ reason: "HALTED", until: "interrupt" });
    expect(machine.vcpu().mpState).toBe("HALTED");
    machine.interrupts.irq[0] = true;
    expect(machine.run()).toEqual(stopped);
    expect(machine.x(0)).toBe(0n);
    expect(machine.pc).toBe(BigInt(place.code + 8));
  });
});

describe("the system", () => {
  it.each([
    ["SYSTEM_OFF", psci.SYSTEM_OFF, "SHUTDOWN", 0n],
    ["SYSTEM_RESET", psci.SYSTEM_RESET, "RESET", 0n],
    ["SYSTEM_RESET2 (32)", psci.SYSTEM_RESET2_32, "RESET", 0n],
    ["SYSTEM_RESET2 (64)", psci.SYSTEM_RESET2_64, "RESET", 0n],
    ["SYSTEM_RESET2 of a vendor's type", psci.SYSTEM_RESET2_64, "RESET", 0x8000_0000n],
  ] as const)("%s exits with the event, and no vCPU runs on", (_, id, type, argument) => {
    const machine = machineAtStart(2);
    answer(machine, psci.CPU_ON_64, 1n, BigInt(place.data));
    expect(call(machine, id, argument)).toEqual({ reason: "SYSTEM_EVENT", type });
    // Should userspace let it go on, the call has failed.
    expect(machine.x(0)).toBe(INTERNAL_FAILURE);
    expect(machine.vm.vcpus.map((vcpu) => vcpu.mpState)).toEqual(["STOPPED", "STOPPED"]);
    expect(machine.run()).toEqual({ reason: "HALTED", until: "power-on" });
  });

  it("SYSTEM_RESET2 refuses a type that is not defined", () => {
    const machine = machineAtStart();
    for (const type of [1n, 0x7fff_ffffn])
      expect(answer(machine, psci.SYSTEM_RESET2_64, type)).toBe(INVALID_PARAMETERS);
  });
});

describe("who may call", () => {
  it("HVC from EL0 is undefined", () => {
    const machine = machineAtStart();
    machine.load(place.code, [a64.hvc(0)]);
    machine.pstate = 0n;
    machine.pc = BigInt(place.code);
    expect(machine.run()).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ vector: 0x400, ec: 0, elr: place.code });
  });
});
