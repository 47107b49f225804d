import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { CpuExit } from "../../../../../src/cpu/arm64/events.ts";
import { KvmError } from "../../../../../src/kvm/errors.ts";
import { a64, sysreg } from "../../../../cpu/arm64/support/assembler.ts";
import { place, stop, stopped, vector } from "../../../../cpu/arm64/support/machine.ts";
import {
  breakpointControl,
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
  watchpointControl,
} from "./support.ts";

const code = BigInt(place.code);
const data = BigInt(place.data);
const at = (instruction: number): number => place.code + 4 * instruction;

/** A handler in the guest that notes what it sees, and returns behind the instruction. X20: how often it came. */
const notingHandler: readonly number[] = [
  a64.mrs(21, sysreg.ESR_EL1),
  a64.mrs(22, sysreg.ELR_EL1),
  a64.mrs(23, sysreg.SPSR_EL1),
  a64.mrs(24, sysreg.FAR_EL1),
  a64.addImm(20, 20, 1),
  a64.mov(25, 22),
  a64.addImm(25, 25, 4),
  a64.msr(sysreg.ELR_EL1, 25),
  a64.eret,
];

/** What the handler noted. */
const noted = (machine: DebuggedMachine): readonly bigint[] => [20, 21, 22, 23, 24].map((n) => machine.x(n));

describe.each(engines)("S1 on the $name", ({ engine }) => {
  const machineWith = (words: readonly (number | readonly number[])[], pstate?: bigint): DebuggedMachine => {
    const machine = new DebuggedMachine({ engine });
    for (const offset of [vector.current, vector.lower])
      machine.load(place.vectors + offset, [notingHandler]);
    machine.register("FAR_EL1", 0x11n);
    machine.begin(words, pstate);
    return machine;
  };

  describe("S1.1 KVM_SET_GUEST_DEBUG", () => {
    it("S1.1: takes ENABLE with any of USE_SW_BP, USE_HW and SINGLESTEP", () => {
      const machine = new DebuggedMachine({ engine });
      for (const more of [0, USE_SW_BP, USE_HW, SINGLESTEP, USE_SW_BP | USE_HW | SINGLESTEP])
        expect(() => machine.debug(ENABLE | more)).not.toThrow();
    });

    it("S1.1: refuses any other bit with EINVAL, and nothing has changed", () => {
      const machine = machineWith([a64.nop, a64.nop, a64.nop]);
      machine.debug(ENABLE | SINGLESTEP);
      for (let bit = 0; bit < 32; bit++) {
        const control = (ENABLE | (2 ** bit)) >>> 0;
        if ([ENABLE, SINGLESTEP, USE_SW_BP, USE_HW].some((known) => known === 2 ** bit)) continue;
        expect(() => machine.debug(control), `bit ${bit}`).toThrow(KvmError);
        expect(() => machine.debug(control)).toThrow(expect.objectContaining({ errno: "EINVAL" }));
      }
      expect(machine.vcpu().debug.stepping).toBe(true);
      expect(machine.step()).toMatchObject({ exit: { reason: "DEBUG" }, pc: at(1), instructions: 1 });
    });

    it("S1.1: without ENABLE everything is off, whatever else is asked for", () => {
      const machine = machineWith([a64.nop, a64.brk(1), a64.nop]);
      machine.debug(ENABLE | SINGLESTEP | USE_HW | USE_SW_BP, { breakpoints: [code + 4n] });
      machine.debug(SINGLESTEP | USE_HW | USE_SW_BP, { breakpoints: [code + 4n] });
      expect(machine.run()).toEqual(stopped);
      expect(noted(machine)[0]).toBe(1n);
      expect(machine.exits).toHaveLength(1);
    });
  });

  describe("S1.2 BRK while the host debugs", () => {
    it.each([
      ["EL0", state.el0],
      ["EL1", state.el1 | state.daif],
    ])(
      "S1.2: a BRK at %s ends KVM_RUN; the exit has the syndrome and no PC, which is the BRK's by one-reg",
      (_, pstate) => {
        const machine = machineWith([a64.nop, a64.brk(0x1234)], pstate);
        const seen: number[] = [];
        machine.vcpu().cpu.controls.onMdcrWrite = (value) => seen.push(value);
        machine.debug(ENABLE | USE_SW_BP);
        const exit = machine.run();
        expect(exit).toEqual({ reason: "DEBUG", arch: { hsr: 0xf200_1234, hsrHigh: 0, far: 0n } });
        expect(machine.pc).toBe(code + 4n);
        expect(noted(machine)[0]).toBe(0n);
        // MDCR_EL2.TDE while the guest ran, and not any more after it.
        expect(seen.map((value) => (value & 0x100) !== 0)).toEqual([true, false]);
      },
    );

    it("S1.2: there is no AArch32, so no BKPT: a return to it is an Illegal Execution state exception of the guest's", () => {
      const machine = machineWith([...set(sysreg.SPSR_EL1, 0x10n), ...set(sysreg.ELR_EL1, code), a64.eret]);
      machine.load(place.vectors + vector.current, [stop]);
      machine.debug(ENABLE | USE_SW_BP);
      expect(machine.run()).toEqual(stopped);
      expect(machine.exception()).toMatchObject({ vector: vector.current, ec: ec.illegalState });
      expect(machine.registerValue("ID_AA64PFR0_EL1") & 0xffn).toBe(0x11n);
    });
  });

  describe("S1.3 while the host does not debug", () => {
    it("S1.3: TDE is clear, and BRK, breakpoint, watchpoint and step reach the guest's EL1 without an exit", () => {
      const machine = machineWith([
        ...set(debugRegister.bvr(0), code + 4n * 30n),
        ...set(debugRegister.bcr(0), BigInt(breakpointControl)),
        ...set(debugRegister.wvr(0), data),
        ...set(debugRegister.wcr(0), BigInt(watchpointControl)),
        ...set(debugRegister.MDSCR_EL1, monitor.MDE | monitor.KDE),
        a64.daifClear(8),
        a64.brk(1),
        ...a64.mov64(1, data).slice(0, 3),
        a64.nop,
        a64.str(0, 1),
      ]);
      const seen: number[] = [];
      machine.vcpu().cpu.controls.onMdcrWrite = (value) => seen.push(value);
      expect(machine.run()).toEqual(stopped);
      expect(machine.exits).toHaveLength(1);
      expect(machine.x(20)).toBe(3n);
      expect(seen.some((value) => (value & 0x100) !== 0)).toBe(false);
    });
  });

  describe("S1.4 classes that the hypervisor has no case for", () => {
    it.each([
      ["an SError", 0x2f, "0x2f (SError)"],
      ["a trapped SVE instruction", 0x19, "0x19 (access to SVE)"],
      ["a vector catch", 0x3a, "0x3a (Vector Catch in AArch32)"],
      ["a class that nobody has", 0x3f, "0x3f (not allocated)"],
    ])(
      "S1.4: %s is an error that names it, again at the next run, and nothing is logged",
      (_, exceptionClass, name) => {
        const machine = machineWith([a64.nop]);
        const vcpu = machine.vcpu();
        machine.debug(ENABLE);
        const logged = ["log", "error", "warn", "info"] as const;
        const spies = logged.map((name) => vi.spyOn(console, name));
        const trap: CpuExit = {
          kind: "trap",
          syndrome: (exceptionClass << 26) >>> 0,
          far: 0n,
          ipa: 0,
          mmio: undefined,
          unseen: false,
        };
        const run = vi.spyOn(vcpu.cpu, "run").mockReturnValue(trap);
        for (const _again of [1, 2])
          expect(vcpu.run(10)).toEqual({
            reason: "INTERNAL_ERROR",
            suberror: 1,
            message: `an exception of class ${name} came to EL2, which has no handler for it`,
          });
        expect(spies.map((spy) => spy.mock.calls)).toEqual([[], [], [], []]);
        run.mockRestore();
        for (const spy of spies) spy.mockRestore();
        machine.debug(0);
        expect(machine.run()).toEqual(stopped);
      },
    );

    it("S1.4: no program of a guest makes KVM_RUN throw while the host debugs", () => {
      const machine = new DebuggedMachine({ engine });
      fc.assert(
        fc.property(
          fc.array(
            fc.oneof(
              fc.integer({ min: 0, max: 0xffff_ffff }),
              fc.constantFrom(a64.brk(), a64.eret, a64.svc()),
            ),
            {
              minLength: 8,
              maxLength: 24,
            },
          ),
          fc.constantFrom(ENABLE, ENABLE | SINGLESTEP, ENABLE | USE_HW | SINGLESTEP),
          (words, control) => {
            machine.vcpu().powerOn(code, 0n);
            machine.load(place.code, [words, stop]);
            machine.debug(control, { breakpoints: [code + 8n], watchpoints: [0n] });
            const vcpu = machine.vcpu();
            for (let i = 0; i < 12; i++) {
              const exit = vcpu.run(50);
              if (exit.reason === "DEBUG") machine.deliver(exit.arch);
              else if (exit.reason === "MMIO") vcpu.failMmio();
            }
          },
        ),
        { numRuns: 200 },
      );
    });
  });

  /** Guests that meet one debug exception of their own each, at instruction `where`. */
  const own = {
    BRK: { prepare: [] as readonly number[], cause: a64.brk(7) },
    breakpoint: {
      prepare: [
        ...set(debugRegister.bvr(2), code + 4n * 100n),
        ...set(debugRegister.bcr(2), BigInt(breakpointControl)),
        ...set(debugRegister.MDSCR_EL1, monitor.MDE | monitor.KDE),
      ],
      cause: a64.nop,
    },
    watchpoint: {
      prepare: [
        ...set(debugRegister.wvr(1), data),
        ...set(debugRegister.wcr(1), BigInt(watchpointControl)),
        ...a64.mov64(1, data + 2n),
        ...set(debugRegister.MDSCR_EL1, monitor.MDE | monitor.KDE),
      ],
      cause: a64.ldr(2, 1, 2),
    },
    step: {
      prepare: [...set(debugRegister.MDSCR_EL1, monitor.SS | monitor.KDE)],
      cause: a64.nop,
    },
  } as const;

  /** Sets up at EL1, goes to `pstate` at instruction 100, and meets the exception there. */
  const ownGuest = (kind: keyof typeof own, pstate: bigint): DebuggedMachine => {
    const { prepare, cause } = own[kind];
    const head = [
      ...prepare,
      ...set(sysreg.ELR_EL1, code + 4n * 100n),
      ...set(sysreg.SPSR_EL1, pstate | (kind === "step" ? state.ss : 0n)),
      a64.eret,
    ];
    const handler =
      kind === "step"
        ? notingHandler.map((word) => (word === a64.addImm(25, 25, 4) ? a64.nop : word))
        : notingHandler;
    const machine = machineWith([
      ...head,
      ...new Array<number>(100 - head.length).fill(a64.nop),
      cause,
      a64.nop,
    ]);
    for (const offset of [vector.current, vector.lower])
      machine.load(place.vectors + offset, [
        // A step that is over must not begin again.
        ...(kind === "step" ? [a64.msr(debugRegister.MDSCR_EL1, 31)] : []),
        ...handler,
      ]);
    return machine;
  };

  describe.each([
    ["EL0", state.el0],
    ["EL1", state.el1],
  ] as const)("S1.5 delivery of what is the guest's own, at %s", (_, pstate) => {
    it.each(Object.keys(own) as (keyof typeof own)[])(
      "S1.5: its handler sees of a %s just what it sees alone",
      (kind) => {
        const alone = ownGuest(kind, pstate);
        alone.run();
        expect(noted(alone)[0]).toBe(1n);
        for (const control of [ENABLE, ENABLE | USE_SW_BP, ENABLE | USE_HW, ENABLE | USE_HW | USE_SW_BP]) {
          const debugged = ownGuest(kind, pstate);
          debugged.debug(control, { breakpoints: [code + 0x1000n] });
          expect(debugged.runDelivering()).toEqual(alone.exits.at(-1));
          expect(noted(debugged), `control 0x${control.toString(16)}`).toEqual(noted(alone));
        }
      },
    );

    it.each(Object.keys(own) as (keyof typeof own)[])(
      "S1.5: of a %s too while the host steps all the way",
      (kind) => {
        const alone = ownGuest(kind, pstate);
        alone.run();
        const stepped = ownGuest(kind, pstate);
        stepped.debug(ENABLE | SINGLESTEP);
        let steps = 0;
        const exit = stepped.runDelivering(() => steps++);
        expect(exit.reason).toBe("HALTED");
        expect(noted(stepped)).toEqual(noted(alone));
        expect(steps).toBeGreaterThan(20);
      },
    );
  });

  describe("S1.6 the syndrome of a delivered exception", () => {
    it.each([
      ["breakpoint", state.el0, ec.breakpoint.lower, ec.breakpoint.lower],
      ["breakpoint", state.el1, ec.breakpoint.lower, ec.breakpoint.current],
      ["watchpoint", state.el0, ec.watchpoint.lower, ec.watchpoint.lower],
      ["watchpoint", state.el1, ec.watchpoint.lower, ec.watchpoint.current],
      ["step", state.el0, ec.step.lower, ec.step.lower],
      ["step", state.el1, ec.step.lower, ec.step.current],
      ["BRK", state.el0, ec.brk, ec.brk],
      ["BRK", state.el1, ec.brk, ec.brk],
    ] as const)(
      "S1.6: %s with PSTATE %i exits as class %i and is class %i to the guest",
      (kind, pstate, exits, sees) => {
        const machine = ownGuest(kind, pstate);
        machine.debug(ENABLE | USE_SW_BP);
        const exit = machine.runToDebugExit();
        expect(classOf(exit)).toBe(exits);
        machine.deliver(exit);
        machine.run();
        expect(Number(machine.x(21)) >>> 26).toBe(sees);
        expect(Number(machine.x(21)) & 0x3ff_ffff).toBe(exit.hsr & 0x3ff_ffff);
      },
    );
  });

  describe("S1.7 host and guest on the same instruction", () => {
    const guestBreakpoint = (machine: DebuggedMachine): void => {
      machine.register("DBGBVR0_EL1", code + 4n);
      machine.register("DBGBCR0_EL1", BigInt(breakpointControl));
      machine.register("MDSCR_EL1", monitor.MDE | monitor.KDE);
    };

    it("S1.7: a hardware breakpoint of both: the host's exit comes first, with it removed the guest's works again", () => {
      const machine = machineWith([a64.nop, a64.addImm(1, 1, 1)], state.el1);
      guestBreakpoint(machine);
      machine.debug(ENABLE | USE_HW, { breakpoints: [code + 4n] });
      expect(classOf(machine.runToDebugExit())).toBe(ec.breakpoint.lower);
      expect(noted(machine)[0]).toBe(0n);
      // Removed while another of the host's stays: the guest's is live beside it.
      machine.debug(ENABLE | USE_HW, { breakpoints: [code + 0x1000n] });
      const exit = machine.runToDebugExit();
      expect([classOf(exit), machine.pc]).toEqual([ec.breakpoint.lower, code + 4n]);
      machine.deliver(exit);
      machine.debug(0);
      expect(machine.run()).toEqual(stopped);
      expect(noted(machine)[0]).toBe(1n);
    });

    it("S1.7: a BRK of the host's over one of the guest's: with the patch lifted the guest's is met", () => {
      const machine = machineWith([a64.nop, a64.brk(5), a64.nop]);
      machine.load(at(1), [a64.brk(0)]);
      machine.debug(ENABLE | USE_SW_BP);
      expect(machine.runToDebugExit().hsr).toBe(0xf200_0000);
      machine.load(at(1), [a64.brk(5)]);
      expect(machine.runToDebugExit().hsr).toBe(0xf200_0005);
      machine.debug(0);
      expect(machine.run()).toEqual(stopped);
      expect(noted(machine).slice(0, 3)).toEqual([1n, 0xf200_0005n, BigInt(at(1))]);
    });

    it("S1.7: a watchpoint of both", () => {
      const machine = machineWith([...a64.mov64(1, data), a64.str(0, 1)], state.el1);
      machine.register("DBGWVR0_EL1", data);
      machine.register("DBGWCR0_EL1", BigInt(watchpointControl));
      machine.register("MDSCR_EL1", monitor.MDE | monitor.KDE);
      machine.debug(ENABLE | USE_HW, { watchpoints: [data] });
      expect(machine.runToDebugExit()).toMatchObject({ far: data });
      expect(noted(machine)[0]).toBe(0n);
      machine.debug(0);
      expect(machine.run()).toEqual(stopped);
      expect([machine.x(20), machine.x(24)]).toEqual([1n, data]);
    });
  });

  describe("S1.8 a guest that uses the debug hardware while the host does", () => {
    it("S1.8: while the host owns the registers the guest reads back what it wrote", () => {
      const values = [
        [debugRegister.bvr(0), 0x4001_0100n],
        [debugRegister.bcr(0), 0x1e5n],
        [debugRegister.wvr(3), 0x4002_0008n],
        [debugRegister.wcr(3), 0x1ff7n],
        [debugRegister.MDSCR_EL1, monitor.MDE | monitor.KDE],
      ] as const;
      const machine = machineWith(
        values.flatMap(([register, value], n) => [...set(register, value), a64.mrs(1 + n, register)]),
      );
      machine.debug(ENABLE | USE_HW, { breakpoints: [code + 0x2000n], watchpoints: [data + 0x100n] });
      expect(machine.run()).toEqual(stopped);
      values.forEach(([, value], n) => {
        expect(machine.x(1 + n)).toBe(value);
      });
      // By one-reg they are the guest's as well.
      expect(machine.registerValue("DBGBVR0_EL1")).toBe(0x4001_0100n);
      expect(machine.registerValue("MDSCR_EL1")).toBe(monitor.MDE | monitor.KDE);
    });

    it("S1.8: what it set up meanwhile is live when the host lets go", () => {
      const machine = machineWith([
        ...set(debugRegister.bvr(0), code + 4n * 16n),
        ...set(debugRegister.bcr(0), BigInt(breakpointControl)),
        ...set(debugRegister.MDSCR_EL1, monitor.MDE | monitor.KDE),
        a64.daifClear(8),
        a64.nop,
      ]);
      const six = [0, 1, 2, 3, 4, 5].map((n) => code + 0x1000n + BigInt(n * 4));
      machine.debug(ENABLE | USE_HW | SINGLESTEP, { breakpoints: six });
      for (let steps = 0; steps < 16; steps++) expect(classOf(machine.runToDebugExit())).toBe(ec.step.lower);
      expect(machine.pc).toBe(code + 4n * 16n);
      machine.debug(0);
      expect(machine.run()).toEqual(stopped);
      expect([machine.x(20), machine.x(22)]).toEqual([1n, code + 4n * 16n]);
    });

    it.each([0, 1, 5, 6])(
      "S1.8: with %i breakpoints of the host's the guest's own is live beside them",
      (count) => {
        const machine = machineWith([a64.nop, a64.nop], state.el1);
        machine.register("DBGBVR0_EL1", code + 4n);
        machine.register("DBGBCR0_EL1", BigInt(breakpointControl));
        machine.register("MDSCR_EL1", monitor.MDE | monitor.KDE);
        const breakpoints = Array.from({ length: count }, (_, n) => code + 0x1000n + BigInt(n * 4));
        machine.debug(ENABLE | USE_HW, { breakpoints });
        expect(machine.runToDebugExit().hsr).toBe(0xc200_0022);
        expect(machine.pc).toBe(code + 4n);
      },
    );

    it.each([
      ["USE_SW_BP", ENABLE | USE_SW_BP],
      ["USE_HW", ENABLE | USE_HW],
      ["SINGLESTEP", ENABLE | SINGLESTEP],
    ])(
      "S1.8: with PSTATE.D set its breakpoints and watchpoints are as silent under %s as alone",
      (_, control) => {
        const machine = machineWith(
          [...a64.mov64(1, data), a64.str(0, 1), a64.nop, a64.nop],
          state.el1 | state.d,
        );
        for (const [n, where] of [4n, 6n].entries()) {
          machine.register(`DBGBVR${n}_EL1`, code + 4n * where);
          machine.register(`DBGBCR${n}_EL1`, BigInt(breakpointControl));
        }
        machine.register("DBGWVR0_EL1", data);
        machine.register("DBGWCR0_EL1", BigInt(watchpointControl));
        machine.register("MDSCR_EL1", monitor.MDE | monitor.KDE);
        machine.debug(control);
        let steps = 0;
        expect(machine.runDelivering(() => steps++)).toEqual(stopped);
        expect(noted(machine)[0]).toBe(0n);
        if ((control & SINGLESTEP) !== 0) expect(steps).toBeGreaterThanOrEqual(7);
      },
    );

    it("S1.8: with its OS lock on only its BRK reaches it, and the host's events still come", () => {
      const machine = machineWith([...a64.mov64(1, data), a64.str(0, 1), a64.brk(3), a64.nop], state.el1);
      machine.register("DBGWVR0_EL1", data);
      machine.register("DBGWCR0_EL1", BigInt(watchpointControl));
      machine.register("MDSCR_EL1", monitor.MDE | monitor.KDE | monitor.SS);
      machine.register("OSLSR_EL1", 0xan);
      machine.debug(ENABLE | USE_HW, { breakpoints: [code + 4n * 6n] });
      const first = machine.runToDebugExit();
      expect(first.hsr).toBe(0xf200_0003);
      machine.deliver(first);
      expect([classOf(machine.runToDebugExit()), machine.pc]).toEqual([ec.breakpoint.lower, code + 24n]);
      expect(machine.registerValue("OSLSR_EL1")).toBe(0xan);
    });
  });

  it("S1.8: KVM_CAP_GUEST_DEBUG_HW_BPS and WPS count the registers there are", () => {
    const { vm, vcpu } = { vm: new DebuggedMachine({ engine }).vm, vcpu: new DebuggedMachine({ engine }) };
    const features = vcpu.registerValue("ID_AA64DFR0_EL1");
    expect(vm.checkExtension("GUEST_DEBUG_HW_BPS")).toBe(Number((features >> 12n) & 15n) + 1);
    expect(vm.checkExtension("GUEST_DEBUG_HW_WPS")).toBe(Number((features >> 20n) & 15n) + 1);
  });
});
