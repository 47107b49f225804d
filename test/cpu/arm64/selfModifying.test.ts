import { describe, expect, it } from "vitest";
import { a64 } from "./support/assembler.ts";
import { BareMachine, place, stop, stopped } from "./support/machine.ts";
import { MmuMachine, va } from "./support/mmu.ts";
import { attribute } from "./support/tables.ts";

const routine = place.code + 0x1000;
const [newCode, target] = [1, 2];
const maintain = [a64.dcCvau(target), a64.dsb, a64.icIvau(target), a64.dsb, a64.isb];

describe("code that is written", () => {
  it("is executed as it is now, also in the page that runs and ahead of the store", () => {
    const machine = new BareMachine();
    machine.setX(newCode, BigInt(a64.movz(0, 2)));
    // The word after the maintenance is replaced before it is reached, although it was decoded the last time round.
    const program = [
      a64.movz(3, 2),
      ...[a64.movz(0, 1), a64.str(newCode, target, 4), ...maintain],
      ...[a64.subsImm(3, 3, 1), a64.cbnz(3, -8)],
    ];
    machine.setX(target, BigInt(place.code + 4));
    expect(machine.execute(program)).toEqual(stopped);
    expect(machine.x(0)).toBe(2n);
  });

  it.each([
    ["a byte", a64.str(newCode, target, 1)],
    ["a word", a64.str(newCode, target, 4)],
    ["a pair over two instructions", a64.stp(newCode, newCode, target)],
    ["an atomic", a64.swp(newCode, 31, target, 4)],
    ["a SIMD store", a64.strQ(0, target)],
    ["DC ZVA", a64.dcZva(target)],
  ] as const)("is executed as it is now, written by %s", (what, store) => {
    const machine = new MmuMachine();
    machine.set("CPACR_EL1", 3n << 20n);
    machine.load(routine, [a64.movz(0, 1), a64.ret, a64.movz(0, 3), a64.ret]);
    const word = BigInt(a64.movz(0, 2));
    machine.setX(newCode, word | (BigInt(a64.ret) << 32n));
    machine
      .vcpu()
      .cpu.registers.v(0)
      .set(machine.vm.readMemory(BigInt(routine + 8), 8));
    machine.setX(target, BigInt(routine));
    // Data reads fill the TLB before the page is known to hold code.
    const exit = machine.execute([
      ...[a64.ldr(5, target), a64.blr(target), a64.mov(4, 0)],
      ...[store, ...maintain, a64.blr(target)],
    ]);
    expect(exit).toEqual(stopped);
    expect(machine.x(4)).toBe(1n);
    if (what === "DC ZVA") expect(machine.exception()).toMatchObject({ ec: 0, elr: routine });
    else expect(machine.x(0)).toBe(what === "a SIMD store" ? 3n : 2n);
  });

  it("through an alias, and by EL0 through its own mapping", () => {
    const machine = new MmuMachine();
    machine.load(routine, [a64.movz(0, 1), a64.ret]);
    machine.tables.map(va.user, routine, attribute.el0);
    machine.tables.map(va.data, routine);
    machine.setX(3, va.data);
    machine.execute([a64.blr(3)]);
    expect(machine.x(0)).toBe(1n);
    machine.setX(newCode, BigInt(a64.movz(0, 2)));
    machine.setX(target, va.user);
    machine.executeAtEl0([a64.str(newCode, target, 4), a64.svc(0)]);
    machine.execute([a64.blr(3)]);
    expect(machine.x(0)).toBe(2n);
  });

  it("by another vCPU", () => {
    const machine = new BareMachine({ cpus: 2 });
    machine.load(routine, [a64.movz(0, 1), a64.ret]);
    machine.setX(target, BigInt(routine));
    const caller = [a64.blr(target), a64.wfe, a64.b(-2)];
    machine.load(place.code + 0x2000, caller);
    machine.setX(target, BigInt(routine), 1);
    machine.vcpu(1).cpu.registers.pc = BigInt(place.code + 0x2000);
    machine.run(100, 1);
    expect(machine.x(0, 1)).toBe(1n);
    machine.setX(newCode, BigInt(a64.movz(0, 2)));
    machine.execute([a64.str(newCode, target, 4), ...maintain]);
    machine.run(100, 1);
    expect(machine.x(0, 1)).toBe(2n);
  });

  it("by the host, while the vCPU stands in that page", () => {
    const machine = new BareMachine();
    machine.load(place.code, [a64.movz(0, 1), a64.nop, a64.movz(0, 2), ...stop]);
    machine.pc = BigInt(place.code);
    machine.vcpu().run(2);
    machine.load(place.code + 8, [a64.movz(0, 3)]);
    machine.run();
    expect(machine.x(0)).toBe(3n);
  });

  it("by a store that crosses into a page of code", () => {
    const machine = new MmuMachine();
    machine.load(routine, [a64.movz(0, 1), a64.ret]);
    machine.setX(target, BigInt(routine));
    machine.setX(3, BigInt(routine - 4));
    machine.setX(newCode, (BigInt(a64.movz(0, 2)) << 32n) | 0x1234n);
    machine.execute([a64.blr(target), a64.str(newCode, 3), ...maintain, a64.blr(target)]);
    expect(machine.x(0)).toBe(2n);
  });
});

describe("more code than there is room for", () => {
  it("is decoded again when it comes back", () => {
    // One routine in each page, called in turn; records of all of them do not fit at once.
    const pages = 4200;
    const machine = new BareMachine({ ramBytes: 0x200_0000 });
    const first = place.ram + 0x80_0000;
    const routineOf = new Uint8Array(Uint32Array.from([a64.addImm(0, 0, 1), a64.ret]).buffer);
    for (let i = 0; i < pages; i++) machine.vm.writeMemory(BigInt(first + i * 0x1000), routineOf);
    machine.setX(3, 2n);
    const inner = [
      a64.blr(target),
      ...[a64.addImm(target, target, 0x800), a64.addImm(target, target, 0x800)],
      ...[a64.subsImm(4, 4, 1), a64.cbnz(4, -4)],
    ];
    const program = [
      ...a64.mov64(target, BigInt(first)),
      a64.movz(4, pages),
      ...inner,
      ...[a64.subsImm(3, 3, 1), a64.cbnz(3, -(inner.length + 6))],
    ];
    expect(machine.execute(program, 1_000_000)).toEqual(stopped);
    expect(machine.x(0)).toBe(BigInt(2 * pages));
  });
});
