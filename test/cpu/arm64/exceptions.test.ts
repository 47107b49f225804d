import { describe, expect, it } from "vitest";
import { a64, encoding, sysreg } from "./support/assembler.ts";
import { BareMachine, place, stopped, vector } from "./support/machine.ts";
import { MmuMachine, sctlr, va } from "./support/mmu.ts";

const IL = 1 << 20;
const X1 = 1;

describe("exception entry", () => {
  it("chooses the vector by the level and stack pointer in use", () => {
    for (const [state, offset] of [
      [0x3c4n, 0x000],
      [0x3c5n, 0x200],
      [0x3c0n, 0x400],
    ] as const) {
      const machine = new BareMachine();
      machine.load(place.code, [a64.svc(3)]);
      machine.pstate = state;
      machine.pc = BigInt(place.code);
      expect(machine.run(10)).toEqual(stopped);
      expect(machine.exception()).toMatchObject({ vector: offset, ec: 0x15, iss: 3, spsr: Number(state) });
    }
  });

  it("saves NZCV and the masks, and masks everything at EL1h", () => {
    const machine = new BareMachine();
    machine.load(place.code, [a64.svc(0)]);
    machine.pstate = 0x9000_0080n;
    machine.pc = BigInt(place.code);
    machine.run(10);
    expect(machine.exception()).toMatchObject({ spsr: 0x9000_0080, elr: place.code + 4 });
    expect(machine.pstate).toBe(0x9000_03c5n);
  });

  it("keeps the two stack pointers apart", () => {
    const machine = new BareMachine();
    machine.vcpu().cpu.registers.spEl1 = 0x1111n;
    machine.load(place.code, [...a64.mov64(2, 0x2222n), a64.movSp(2), a64.svc(0)]);
    machine.pstate = 0n;
    machine.pc = BigInt(place.code);
    machine.run(10);
    expect(machine.get("SP_EL0")).toBe(0x2222n);
    expect(machine.vcpu().cpu.registers.sp).toBe(0x1111n);
  });

  it.each([
    ["UDF", a64.udf, 0x00, 0, 0],
    ["SVC", a64.svc(0xffff), 0x15, 0xffff, 4],
    ["BRK", a64.brk(0x1234), 0x3c, 0x1234, 0],
    ["HLT, halting debug not being there", a64.hlt(1), 0x00, 0, 0],
    ["SMC without EL3", a64.smc(0), 0x00, 0, 0],
    ["DCPS1 outside Debug state", 0xd4a00001, 0x00, 0, 0],
    ["DRPS outside Debug state", 0xd6bf03e0, 0x00, 0, 0],
    ["MRS of an unallocated register", a64.mrs(0, "3 7 15 15 7"), 0x00, 0, 0],
    ["MSR of a read-only register", a64.msr("3 0 0 0 0", 0), 0x00, 0, 0],
    ["MSR PAN, which an Armv8.0 CPU does not have", 0xd500419f, 0x00, 0, 0],
    ["an unallocated SYS", 0xd50f7fff, 0x00, 0, 0],
    ["SYSL", 0xd52b7400, 0x00, 0, 0],
    ["an EL2 register", a64.mrs(0, "3 4 1 1 0"), 0x00, 0, 0],
    ["TLBI of EL2", 0xd50c871f, 0x00, 0, 0],
    ["AT S12E1R", 0xd50c7880, 0x00, 0, 0],
  ] as const)("%s at EL1", (_, instruction, ec, iss, after) => {
    const machine = new BareMachine();
    expect(machine.execute([instruction])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({
      vector: vector.current,
      ec,
      iss,
      elr: place.code + after,
      spsr: 0x3c5,
    });
    expect(machine.get("ESR_EL1") & (1n << 25n)).not.toBe(0n);
  });

  it.each([
    ["HVC", a64.hvc(0)],
    ["SMC", a64.smc(0)],
    ["ERET", a64.eret],
    ["MSR SPSel", a64.spSel(1)],
    ["MRS CurrentEL", a64.mrs(0, sysreg.CurrentEL)],
    ["MRS SCTLR_EL1", a64.mrs(0, sysreg.SCTLR_EL1)],
    ["MSR TTBR0_EL1", a64.msr(sysreg.TTBR0_EL1, 0)],
    ["MRS MIDR_EL1", a64.mrs(0, "3 0 0 0 0")],
    ["MRS TPIDR_EL1", a64.mrs(0, sysreg.TPIDR_EL1)],
    ["MSR TPIDRRO_EL0", a64.msr("3 3 13 0 3", 0)],
    ["MRS SP_EL0", a64.mrs(0, sysreg.SP_EL0)],
    ["TLBI VMALLE1", a64.tlbiVmalle1],
    ["IC IALLU", a64.icIallu],
    ["DC IVAC", a64.dcIvac(X1)],
    ["AT S1E0R", a64.atS1E0R(X1)],
  ])("%s at EL0 is undefined", (_, instruction) => {
    const machine = new MmuMachine();
    machine.control(sctlr.UMA | sctlr.UCI | sctlr.UCT | sctlr.DZE);
    expect(machine.executeAtEl0([instruction])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({
      vector: vector.lower,
      ec: 0,
      iss: 0,
      elr: Number(va.userCode),
    });
  });

  const trapped: readonly [string, number, bigint, string, number, number][] = [
    ["MRS CTR_EL0", a64.mrs(5, sysreg.CTR_EL0), sctlr.UCT, sysreg.CTR_EL0, 5, 1],
    ["MRS DAIF", a64.mrs(6, sysreg.DAIF), sctlr.UMA, sysreg.DAIF, 6, 1],
    ["MSR DAIF", a64.msr(sysreg.DAIF, 7), sctlr.UMA, sysreg.DAIF, 7, 0],
    ["MSR DAIFSet", a64.daifSet(2), sctlr.UMA, "0 3 4 2 6", 31, 0],
    ["MSR DAIFClr", a64.daifClear(13), sctlr.UMA, "0 3 4 13 7", 31, 0],
    ["DC ZVA", a64.dcZva(X1), sctlr.DZE, "1 3 7 4 1", X1, 0],
    ["DC CVAU", a64.dcCvau(9), sctlr.UCI, "1 3 7 11 1", 9, 0],
    ["DC CIVAC", a64.dcCivac(9), sctlr.UCI, "1 3 7 14 1", 9, 0],
    ["IC IVAU", a64.icIvau(9), sctlr.UCI, "1 3 7 5 1", 9, 0],
  ];
  it.each(trapped)(
    "%s at EL0 is trapped, unless SCTLR_EL1 allows it",
    (_, instruction, bit, register, rt, read) => {
      const machine = new MmuMachine();
      machine.setX(X1, va.user);
      machine.setX(9, va.user);
      expect(machine.executeAtEl0([instruction])).toEqual(stopped);
      const key = encoding(register);
      const [op0, op1, crn, crm, op2] = [
        key >> 14,
        (key >> 11) & 7,
        (key >> 7) & 15,
        (key >> 3) & 15,
        key & 7,
      ];
      expect(machine.exception()).toMatchObject({
        vector: vector.lower,
        ec: 0x18,
        iss: (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (rt << 5) | (crm << 1) | read,
        elr: Number(va.userCode),
      });
      machine.control(bit);
      machine.executeAtEl0([instruction, a64.svc(9)]);
      expect(machine.exception()).toMatchObject({ ec: 0x15, iss: 9 });
    },
  );

  it("FP and SIMD are trapped by CPACR_EL1.FPEN, at EL0 alone or at both levels", () => {
    const machine = new MmuMachine();
    for (const [fpen, at1, at0] of [
      [0n, true, true],
      [1n, false, true],
      [2n, true, true],
      [3n, false, false],
    ] as const) {
      machine.set("CPACR_EL1", fpen << 20n);
      machine.execute([a64.fmovD(0, 31), a64.svc(1)]);
      expect(machine.exception().ec).toBe(at1 ? 0x07 : 0x15);
      machine.executeAtEl0([a64.fmovD(0, 31), a64.svc(1)]);
      expect(machine.exception().ec).toBe(at0 ? 0x07 : 0x15);
      if (at0) expect(machine.exception().iss).toBe(0x1e0_0000);
    }
  });

  it("a handler where no memory is goes on for ever, and the run ends by its limit", () => {
    const machine = new MmuMachine();
    machine.set("VBAR_EL1", va.nothing);
    const { clock } = machine.vm.cluster;
    const begin = clock.nanoseconds;
    machine.load(place.code, [a64.svc(0)]);
    machine.pc = BigInt(place.code);
    expect(machine.run(1000)).toEqual({ reason: "INTR" });
    expect(clock.nanoseconds - begin).toBe(1000);
    expect(machine.get("ELR_EL1")).toBe(va.nothing + 0x200n);
  });

  it("so does one in a device", () => {
    const machine = new MmuMachine();
    machine.set("VBAR_EL1", va.device);
    machine.load(place.code, [a64.udf]);
    machine.pc = BigInt(place.code);
    expect(machine.run(1000)).toEqual({ reason: "INTR" });
  });

  it.each([1, 2, 3, 7, 50])(
    "a run of %i instructions ends exactly there, exceptions and returns among them",
    (slice) => {
      const whole = new BareMachine();
      const sliced = new BareMachine();
      for (const machine of [whole, sliced]) {
        // SVC to a handler that returns.
        machine.load(place.vectors + vector.current, [a64.addImm(5, 5, 1), a64.eret]);
        machine.load(place.code, [a64.svc(0), a64.b(-1)]);
        machine.pc = BigInt(place.code);
      }
      whole.run(500);
      for (let left = 500; left > 0; left -= slice) {
        const { clock } = sliced.vm.cluster;
        const begin = clock.nanoseconds;
        const step = Math.min(slice, left);
        sliced.vcpu().run(step);
        expect(clock.nanoseconds - begin).toBe(step);
      }
      expect(sliced.x(5)).toBe(whole.x(5));
      expect(sliced.pc).toBe(whole.pc);
      expect(whole.x(5)).toBe(125n);
    },
  );
});

describe("exception return", () => {
  const returnTo = (spsr: bigint, elr: bigint) => [
    ...a64.mov64(2, spsr),
    a64.msr(sysreg.SPSR_EL1, 2),
    ...a64.mov64(2, elr),
    a64.msr(sysreg.ELR_EL1, 2),
    a64.eret,
  ];

  it("restores PSTATE and PC", () => {
    const machine = new BareMachine();
    machine.load(place.data, [a64.svc(7)]);
    machine.execute(returnTo(0x6000_0140n, BigInt(place.data)));
    expect(machine.exception()).toMatchObject({
      vector: vector.lower,
      ec: 0x15,
      iss: 7,
      spsr: 0x6000_0140,
      elr: place.data + 4,
    });
  });

  it.each([
    ["EL2h", 0x3c9n],
    ["EL3h", 0x3cdn],
    ["EL0h", 0x3c1n],
    ["EL1 with a reserved M[1]", 0x3c6n],
    ["AArch32 User", 0x3d0n],
    ["AArch32 Supervisor", 0x3d3n],
  ])("to %s is illegal: PSTATE.IL, the level stays, the masks and flags are SPSR's", (_, spsr) => {
    const machine = new BareMachine();
    machine.load(place.data, [a64.nop]);
    machine.execute(returnTo(0xa000_0000n | spsr, BigInt(place.data)));
    expect(machine.exception()).toMatchObject({
      vector: vector.current,
      ec: 0x0e,
      iss: 0,
      elr: place.data,
      spsr: (0xa000_0000 | IL | 0x3c5) >>> 0,
    });
    // The handler itself is not in the illegal state.
    expect(machine.pstate & BigInt(IL)).toBe(0n);
  });

  it("SPSR_EL1.IL makes the state illegal as well", () => {
    const machine = new BareMachine();
    machine.load(place.data, [a64.nop]);
    machine.execute(returnTo(BigInt(IL) | 0x3c0n, BigInt(place.data)));
    expect(machine.exception()).toMatchObject({ vector: vector.lower, ec: 0x0e, spsr: IL | 0x3c0 });
  });

  it("in illegal state a misaligned PC and an abort of the fetch come first", () => {
    const machine = new MmuMachine();
    machine.execute(returnTo(0x3c9n, BigInt(place.data + 2)));
    expect(machine.exception()).toMatchObject({ ec: 0x22, far: place.data + 2 });
    machine.execute(returnTo(0x3c9n, va.nothing));
    expect(machine.exception()).toMatchObject({ ec: 0x21, iss: 0x05 });
    expect(machine.exception().spsr & IL).toBe(IL);
  });

  it("opens the exclusive monitor and sets the event register", () => {
    const machine = new BareMachine();
    machine.setX(X1, BigInt(place.data + 0x100));
    machine.load(place.data, [a64.stxr(3, 4, X1), a64.wfe, a64.movz(5, 1)]);
    machine.execute([a64.ldxr(4, X1), ...returnTo(0x3c5n, BigInt(place.data))]);
    expect(machine.x(3)).toBe(1n);
    expect(machine.x(5)).toBe(1n);
  });
});

describe("exclusives", () => {
  it("fail after another vCPU has run, not after one was looked at", () => {
    const machine = new BareMachine({ cpus: 2 });
    machine.setX(X1, BigInt(place.data));
    machine.load(place.code, [a64.ldxr(2, X1), a64.nop, a64.stxr(3, 2, X1)]);
    machine.pc = BigInt(place.code);
    machine.vcpu().run(2);
    machine.x(0, 1);
    machine.vcpu(1).timerDeadline();
    machine.vcpu().run(1);
    expect(machine.x(3)).toBe(0n);

    machine.pc = BigInt(place.code);
    machine.vcpu().run(2);
    machine.load(place.code + 0x100, [a64.nop]);
    machine.vcpu(1).cpu.registers.pc = BigInt(place.code + 0x100);
    machine.vcpu(1).run(1);
    machine.vcpu().run(1);
    expect(machine.x(3)).toBe(1n);
  });
});
