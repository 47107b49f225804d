import { describe, expect, it } from "vitest";
import { a64, sysreg } from "../../../../cpu/arm64/support/assembler.ts";
import { place, stop, stopped, vector } from "../../../../cpu/arm64/support/machine.ts";
import {
  classOf,
  DebuggedMachine,
  debugRegister,
  ENABLE,
  ec,
  engines,
  monitor,
  SINGLESTEP,
  set,
  state,
  USE_HW,
  USE_SW_BP,
} from "./support.ts";

const code = BigInt(place.code);
const device = BigInt(place.device);
const data = BigInt(place.data);
const at = (instruction: number): number => place.code + 4 * instruction;

describe.each(engines)("S5 on the $name", ({ engine }) => {
  const stepping = (words: readonly (number | readonly number[])[], pstate?: bigint): DebuggedMachine => {
    const machine = new DebuggedMachine({ engine });
    machine.device = ({ isWrite }) => (isWrite ? 0n : 0x5an);
    machine.begin(words, pstate);
    machine.debug(ENABLE | SINGLESTEP);
    return machine;
  };
  const step = { reason: "DEBUG" } as const;

  describe("S5.1 three states, over exits", () => {
    it("S5.1: inactive, active-not-pending, and active-pending when an instruction is done without its report", () => {
      const machine = stepping([a64.nop, a64.nop]);
      const { debug } = machine.vcpu();
      expect(debug.stepState).toBe("active-not-pending");
      // The budget ends the run behind the instruction and before its step exception.
      expect(machine.vcpu().run(1)).toEqual({ reason: "INTR" });
      expect([debug.stepState, Number(machine.pc)]).toEqual(["active-pending", at(1)]);
      expect(machine.step()).toMatchObject({ exit: step, pc: at(1), instructions: 0 });
      expect(debug.stepState).toBe("active-not-pending");
      machine.debug(ENABLE);
      expect(debug.stepState).toBe("inactive");
    });

    it("S5.1: an access that waits for its machine leaves it active-not-pending, over other calls in between", () => {
      const machine = stepping([...a64.mov64(1, device), a64.ldr(2, 1), a64.nop]);
      for (let n = 0; n < 4; n++) machine.step();
      const vcpu = machine.vcpu();
      expect(vcpu.run(100)).toMatchObject({ reason: "MMIO", isWrite: false });
      expect(vcpu.debug.stepState).toBe("active-not-pending");
      machine.debug(ENABLE | SINGLESTEP | USE_SW_BP);
      expect(machine.pc).toBe(code + 16n);
      vcpu.completeMmio(0x77n);
      expect(machine.step()).toMatchObject({ exit: step, pc: at(5), instructions: 1 });
      expect(machine.x(2)).toBe(0x77n);
    });

    it("S5.1: a hypercall that userspace answers is done: active-pending over the exit", () => {
      const machine = stepping([a64.hvc(0), a64.nop]);
      machine.vm.smcccFilter.add({ base: 0xc600_0000, functions: 1, action: "FWD_TO_USER" });
      machine.setX(0, 0xc600_0000n);
      expect(machine.run()).toMatchObject({ reason: "HYPERCALL", number: 0xc600_0000n });
      expect(machine.vcpu().debug.stepState).toBe("active-pending");
      machine.setX(0, 42n);
      expect(machine.step()).toMatchObject({ exit: step, pc: at(1), instructions: 0 });
      expect(machine.x(0)).toBe(42n);
    });
  });

  describe("S5.2 exits that executed nothing", () => {
    it("S5.2: a run that is interrupted before its instruction reports no step, and loses none", () => {
      const machine = stepping([a64.nop, a64.nop]);
      expect(machine.vcpu().run(0)).toEqual({ reason: "INTR" });
      expect([machine.pc, machine.vcpu().debug.stepState]).toEqual([code, "active-not-pending"]);
      expect(machine.step()).toMatchObject({ exit: step, pc: at(1), instructions: 1 });
    });

    it("S5.2: a translation that the CPU has to look up first is no step of its own", () => {
      const machine = stepping([...a64.mov64(1, data), a64.ldr(2, 1), a64.nop]);
      for (let n = 0; n < 4; n++) machine.step();
      machine.vcpu().cpu.stage1.flushFirstLevel();
      expect(machine.step()).toMatchObject({ exit: step, pc: at(5), instructions: 1 });
    });

    it("S5.2: an interrupt that the guest takes ends the step at its vector, with nothing executed", () => {
      const machine = stepping([a64.nop], state.el1);
      machine.interrupts.irq[0] = true;
      expect(machine.step()).toMatchObject({
        exit: step,
        pc: place.vectors + vector.current + vector.irq,
        instructions: 0,
      });
      expect(machine.registerValue("ELR_EL1")).toBe(code);
      // Not a stepped instruction: ISV is clear.
      expect(machine.exits.at(-1)).toMatchObject({ arch: { hsr: 0xca00_0022 } });
    });

    it("S5.2: an emulated instruction leaves the step exception to the CPU, before the next one", () => {
      const machine = stepping([a64.mrs(1, debugRegister.PMCR_EL0), a64.nop]);
      const syndromes: (number | undefined)[] = [];
      const { cpu } = machine.vcpu();
      const run = cpu.run.bind(cpu);
      cpu.run = (limit) => {
        const exit = run(limit);
        syndromes.push(exit.kind === "trap" ? exit.syndrome >>> 26 : undefined);
        return exit;
      };
      expect(machine.step()).toMatchObject({ exit: step, pc: at(1), instructions: 1 });
      expect(syndromes).toEqual([0x18, ec.step.lower]);
    });
  });

  describe("S5.3 a branch to itself", () => {
    it("S5.3: counts as a step, every time", () => {
      const machine = stepping([a64.b(0)]);
      for (let n = 0; n < 5; n++)
        expect(machine.step()).toMatchObject({ exit: step, pc: at(0), instructions: 1 });
    });

    it("S5.3: so does an exception return to itself", () => {
      const machine = stepping([
        ...set(sysreg.ELR_EL1, code + 40n),
        ...set(sysreg.SPSR_EL1, 0x3c5n),
        a64.eret,
      ]);
      machine.load(at(10), [a64.eret]);
      for (let n = 0; n < 10; n++) machine.step();
      for (let n = 0; n < 3; n++)
        expect(machine.step()).toMatchObject({ exit: step, pc: at(10), instructions: 1 });
    });
  });

  describe("S5.4 one step is one instruction", () => {
    const vectors = place.vectors + vector.current;
    const one: readonly [string, readonly number[], number, (machine: DebuggedMachine) => void][] = [
      ["a read of a device", [a64.ldr(2, 1)], at(1), (m) => expect(m.x(2)).toBe(0x5an)],
      ["a write to a device", [a64.str(2, 1)], at(1), (m) => expect(m.exits).toHaveLength(2)],
      ["a pair of reads of a device", [a64.ldp(2, 3, 1)], at(1), (m) => expect(m.exits).toHaveLength(3)],
      ["a pair of writes to a device", [a64.stp(2, 3, 1)], at(1), (m) => expect(m.exits).toHaveLength(3)],
      ["an atomic add in a device", [a64.ldadd(2, 3, 1)], at(1), (m) => expect(m.exits).toHaveLength(3)],
      ["WFI", [a64.wfi], at(1), () => {}],
      ["WFE", [a64.wfe], at(1), () => {}],
      ["HVC", [a64.hvc(0)], at(1), () => {}],
      ["a trapped MRS", [a64.mrs(2, debugRegister.PMCR_EL0)], at(1), (m) => expect(m.x(2)).not.toBe(0n)],
      [
        "a trapped MSR",
        [a64.msr(debugRegister.bvr(0), 1)],
        at(1),
        (m) => expect(m.registerValue("DBGBVR0_EL1")).toBe(device),
      ],
      ["SVC", [a64.svc(1)], vectors, (m) => expect(m.registerValue("ELR_EL1")).toBe(code + 4n)],
      ["an undefined instruction", [a64.udf], vectors, (m) => expect(m.registerValue("ELR_EL1")).toBe(code)],
      [
        "an instruction that faults",
        [a64.ldr(2, 4)],
        vectors,
        (m) => expect(m.registerValue("FAR_EL1")).toBe(1n << 60n),
      ],
      ["a branch", [a64.b(3)], at(3), () => {}],
    ];
    it.each(one)("S5.4: %s", (_, words, pc, check) => {
      const machine = stepping([...words, a64.nop, a64.nop, a64.nop]);
      machine.setX(0, 0x8400_0000n);
      machine.setX(1, device);
      machine.setX(4, 1n << 60n);
      expect(machine.step()).toMatchObject({ exit: step, pc, instructions: 1 });
      check(machine);
    });

    it("S5.4: ERET to EL0", () => {
      const machine = stepping([
        ...set(sysreg.ELR_EL1, code + 80n),
        ...set(sysreg.SPSR_EL1, state.el0),
        a64.eret,
      ]);
      for (let n = 0; n < 10; n++) machine.step();
      expect(machine.step()).toMatchObject({ exit: step, pc: at(20), instructions: 1 });
      expect(machine.pstate & 0xfn).toBe(0n);
    });

    it("S5.4: an access that the machine refuses: the step ends at the vector of the abort", () => {
      const machine = stepping([a64.ldr(2, 1)]);
      machine.setX(1, device);
      machine.device = () => undefined;
      expect(machine.step()).toMatchObject({ exit: step, pc: vectors, instructions: 1 });
    });

    it("S5.4: where nothing can be fetched: at the vector of the abort", () => {
      const machine = stepping([a64.br(1)]);
      machine.setX(1, 0x1000n);
      expect(machine.step()).toMatchObject({ exit: step, pc: 0x1000 });
      expect(machine.step()).toMatchObject({ exit: step, pc: vectors, instructions: 1 });
    });

    it("S5.4: a step over WFI ends, and then the vCPU waits until its interrupt comes", () => {
      const machine = stepping([a64.wfi, a64.nop, a64.nop]);
      expect(machine.step()).toMatchObject({ exit: step, pc: at(1) });
      expect(machine.vcpu().mpState).toBe("HALTED");
      expect(machine.run()).toEqual({ reason: "HALTED", until: "interrupt" });
      machine.interrupts.irq[0] = true;
      expect(machine.step()).toMatchObject({ exit: step, pc: at(2), instructions: 1 });
    });

    it("S5.4: switching itself off is a step, and the vCPU is off", () => {
      const machine = stepping([a64.hvc(0), a64.nop]);
      machine.setX(0, 0x8400_0002n);
      machine.run();
      expect(machine.vcpu().mpState).toBe("STOPPED");
      expect(machine.run()).toEqual({ reason: "HALTED", until: "power-on" });
    });

    it("S5.4: breakpoints set while an access waits do not stop the instruction that has begun", () => {
      const machine = stepping([a64.ldr(2, 1), a64.nop]);
      machine.setX(1, device);
      const vcpu = machine.vcpu();
      expect(vcpu.run(10).reason).toBe("MMIO");
      machine.debug(ENABLE | SINGLESTEP | USE_HW, { breakpoints: [code], watchpoints: [device] });
      vcpu.completeMmio(1n);
      expect(machine.step()).toMatchObject({ exit: step, pc: at(1), instructions: 1 });
    });

    it("S5.4: 2,000 steps through trapped accesses, four bytes each", () => {
      const count = 2000;
      const machine = stepping(
        Array.from(
          { length: count },
          (_, n) => [a64.mrs(1, debugRegister.bvr(0)), a64.msr(debugRegister.wvr(0), 2)][n & 1] ?? a64.nop,
        ),
      );
      for (let n = 1; n <= count; n++) expect(machine.step().pc).toBe(at(n));
    });

    it("S5.4: an exclusive sequence comes to its end under single steps, and the load says what it was", () => {
      const machine = stepping([
        ...a64.mov64(1, data),
        a64.ldxr(2, 1),
        a64.addImm(2, 2, 1),
        a64.stxr(3, 2, 1),
        a64.cbnz(3, -3),
      ]);
      machine.poke(place.data, 41n);
      const syndromes: number[] = [];
      while (machine.pc !== code + 32n) {
        expect(syndromes.length).toBeLessThan(20);
        syndromes.push(machine.runToDebugExit().hsr);
      }
      expect(machine.peek(place.data)).toBe(42n);
      // ISS.EX after the load-exclusive only.
      expect(syndromes.map((hsr) => (hsr & 0x40) !== 0)).toEqual([
        false,
        false,
        false,
        false,
        true,
        false,
        false,
        false,
      ]);
    });
  });

  describe("S5.5 a guest that steps itself", () => {
    /**
     * At EL1 it sets a program at EL0 going under its own single step; its handler notes ELR and SPSR of each step in memory, and
     * steps on until it has seen `count`; then its program runs freely to an SVC.
     */
    const selfStepping = (count: number): DebuggedMachine => {
      const machine = new DebuggedMachine({ engine });
      const notes = place.data + 0x100;
      machine.begin([
        ...a64.mov64(10, BigInt(notes)),
        ...a64.mov64(11, BigInt(count)),
        ...a64.mov64(12, data),
        ...set(sysreg.ELR_EL1, code + 4n * 100n),
        ...set(sysreg.SPSR_EL1, state.el0 | state.ss),
        ...set(debugRegister.MDSCR_EL1, monitor.SS),
        a64.eret,
      ]);
      machine.load(at(100), [
        a64.addImm(1, 1, 1),
        a64.ldr(2, 12),
        a64.ldxr(3, 12),
        a64.stxr(4, 3, 12),
        a64.b(1),
        a64.mrs(5, sysreg.NZCV),
        a64.addImm(1, 1, 1),
        a64.addImm(1, 1, 1),
        a64.svc(3),
      ]);
      // X20: how many steps; each note is ELR, SPSR, ESR.
      machine.load(place.vectors + vector.lower, [
        a64.mrs(21, sysreg.ESR_EL1),
        a64.mrs(22, sysreg.ELR_EL1),
        a64.mrs(23, sysreg.SPSR_EL1),
        a64.strPost(22, 10, 8),
        a64.strPost(23, 10, 8),
        a64.strPost(21, 10, 8),
        a64.addImm(20, 20, 1),
        a64.subsImm(11, 11, 1),
        a64.cbz(11, 5),
        ...a64.mov64(24, 1n << 21n).slice(0, 2),
        a64.msr(sysreg.SPSR_EL1, 24),
        a64.eret,
        a64.msr(debugRegister.MDSCR_EL1, 31),
        a64.eret,
      ]);
      // Where the SVC goes in the end.
      machine.load(at(109), [stop]);
      return machine;
    };

    /** Everything the guest could notice. */
    const noticed = (machine: DebuggedMachine): readonly bigint[] => [
      ...Array.from({ length: 27 }, (_, n) => machine.peek(place.data + 0x100 + 8 * n)),
      ...[1, 2, 3, 4, 5, 10, 11, 20].map((n) => machine.x(n)),
      machine.registerValue("ELR_EL1"),
      machine.registerValue("SPSR_EL1"),
    ];

    const end = (
      machine: DebuggedMachine,
      onStep: (() => void) | undefined = undefined,
    ): readonly bigint[] => {
      machine.runDelivering(onStep);
      return noticed(machine);
    };

    it("S5.5: alone it notes each of its instructions once, with SPSR.SS clear and its load-exclusive named", () => {
      const alone = selfStepping(4);
      end(alone);
      const notes = Array.from({ length: 4 }, (_, n) =>
        [0, 8, 16].map((m) => alone.peek(place.data + 0x100 + 24 * n + m)),
      );
      expect(notes.map(([elr]) => Number(elr))).toEqual([101, 102, 103, 104].map(at));
      expect(notes.map(([, spsr]) => Number(spsr) & (1 << 21))).toEqual([0, 0, 0, 0]);
      expect(notes.map(([, , esr]) => Number(esr))).toEqual([
        0xcb00_0022, 0xcb00_0022, 0xcb00_0062, 0xcb00_0022,
      ]);
    });

    it.each([
      ["ENABLE", ENABLE],
      ["USE_SW_BP", ENABLE | USE_SW_BP],
      ["USE_HW", ENABLE | USE_HW],
      ["SINGLESTEP", ENABLE | SINGLESTEP],
      ["SINGLESTEP and USE_HW", ENABLE | SINGLESTEP | USE_HW],
    ])("S5.5: under %s it notes just the same", (_, control) => {
      for (const count of [1, 4, 6]) {
        const expected = end(selfStepping(count));
        const machine = selfStepping(count);
        machine.debug(control);
        expect(end(machine)).toEqual(expected);
      }
    });

    it("S5.5: wherever the host begins to step and wherever it stops, the guest's machine is as it was", () => {
      const expected = end(selfStepping(5));
      for (let before = 0; before < 110; before += 13) {
        for (const length of [1, 2, 5, 30]) {
          const machine = selfStepping(5);
          machine.vcpu().run(before + 1);
          machine.debug(ENABLE | SINGLESTEP);
          for (let n = 0; n < length; n++) {
            const exit = machine.run();
            if (exit.reason === "DEBUG" && classOf(exit.arch) !== ec.step.lower) machine.deliver(exit.arch);
          }
          machine.debug(0);
          expect(end(machine), `${length} steps after ${before}`).toEqual(expected);
        }
      }
    });

    it("S5.5: an instruction that both step: the host's step first, then the guest's exception, exactly once", () => {
      const machine = selfStepping(3);
      machine.debug(ENABLE | SINGLESTEP);
      while (machine.pc !== code + 4n * 100n) machine.run();
      // The instruction at EL0.
      expect(machine.step()).toMatchObject({ exit: step, pc: at(101), instructions: 1 });
      expect(machine.x(1)).toBe(1n);
      expect(machine.x(20)).toBe(0n);
      // The guest's own exception: entered, nothing of the handler executed.
      expect(machine.step()).toMatchObject({ exit: step, pc: place.vectors + vector.lower, instructions: 1 });
      expect(machine.registerValue("ELR_EL1")).toBe(BigInt(at(101)));
      expect(Number(machine.registerValue("ESR_EL1"))).toBe(0xcb00_0022);
      // Then its first instruction.
      expect(machine.step()).toMatchObject({
        exit: step,
        pc: place.vectors + vector.lower + 4,
        instructions: 1,
      });
    });

    it("S5.5: a guest's step under a host that does not step is an exit that userspace delivers", () => {
      const machine = selfStepping(2);
      machine.debug(ENABLE | USE_SW_BP);
      const exit = machine.runToDebugExit();
      expect([classOf(exit), machine.pc, machine.x(1)]).toEqual([ec.step.lower, BigInt(at(101)), 1n]);
      // Not delivered, it is still to come.
      expect(machine.runToDebugExit()).toEqual(exit);
      machine.deliver(exit);
      machine.debug(0);
      machine.run();
      expect(machine.x(20)).toBeGreaterThanOrEqual(2n);
    });
  });

  it("S5.4: without a step nothing is reported", () => {
    const machine = new DebuggedMachine({ engine });
    machine.begin([a64.nop, a64.nop]);
    machine.debug(ENABLE);
    expect(machine.run()).toEqual(stopped);
  });
});
