import { describe, expect, it } from "vitest";
import { a64 } from "./support/assembler.ts";
import { BareMachine, place, stop, stopped, vector } from "./support/machine.ts";
import { deviceMemory, MmuMachine, sctlr, va } from "./support/mmu.ts";
import { attribute } from "./support/tables.ts";

const ec = { dataLower: 0x24, data: 0x25, fetchLower: 0x20, fetch: 0x21, pc: 0x22, sp: 0x26 } as const;
const WNR = 0x40;
const CM = 0x100;
const X1 = 1;

/** Runs one instruction with X1 as its address; the exception that must follow. */
function faultOf(machine: MmuMachine, instruction: number, address: bigint, el: 0 | 1 = 1) {
  machine.setX(X1, address);
  const exit = el === 1 ? machine.execute([instruction]) : machine.executeAtEl0([instruction]);
  expect(exit).toEqual(stopped);
  const { vector: at, ec: kind, iss, far, elr } = machine.exception();
  expect(at).toBe(el === 1 ? vector.current : vector.lower);
  expect(elr).toBe(el === 1 ? place.code : Number(va.userCode));
  return { ec: kind, iss, far: BigInt(far) };
}

describe("data aborts: syndrome and FAR", () => {
  it.each([
    ["load", a64.ldr(0, X1), 0],
    ["store", a64.str(0, X1), WNR],
    ["byte load", a64.ldr(0, X1, 1), 0],
    ["sign-extending load", a64.ldrs(0, X1, 2), 0],
    ["pair load", a64.ldp(0, 2, X1), 0],
    ["pair store", a64.stp(0, 2, X1), WNR],
    ["SIMD load", a64.ldrQ(0, X1), 0],
    ["SIMD store", a64.strQ(0, X1), WNR],
    ["load-exclusive", a64.ldxr(0, X1), 0],
    ["load-acquire", a64.ldar(0, X1), 0],
    ["store-release", a64.stlr(0, X1), WNR],
    // ISS.WnR of a read-modify-write is 0 when a read would have faulted too (Arm ARM D17.2.37).
    ["atomic add", a64.ldadd(0, 2, X1), 0],
    ["swap", a64.swp(0, 2, X1), 0],
    ["compare-and-swap", a64.cas(0, 2, X1), 0],
    ["unprivileged load", a64.ldtr(0, X1), 0],
    ["unprivileged store", a64.sttr(0, X1), WNR],
    ["DC ZVA", a64.dcZva(X1), WNR],
    ["DC CIVAC", a64.dcCivac(X1), CM | WNR],
    ["DC CVAU", a64.dcCvau(X1), CM | WNR],
    ["DC IVAC", a64.dcIvac(X1), CM | WNR],
    ["IC IVAU", a64.icIvau(X1), CM | WNR],
  ])("%s of an unmapped address: a translation fault", (_, instruction, flags) => {
    const machine = new MmuMachine();
    machine.set("CPACR_EL1", 3n << 20n);
    expect(faultOf(machine, instruction, va.nothing + 0x10n)).toEqual({
      ec: ec.data,
      iss: flags | 0x05,
      far: va.nothing + 0x10n,
    });
  });

  it.each([
    ["load", a64.ldr(0, X1), 0],
    ["store", a64.str(0, X1), WNR],
    ["atomic add", a64.ldadd(0, 2, X1), 0],
    ["DC ZVA", a64.dcZva(X1), WNR],
    ["DC CIVAC", a64.dcCivac(X1), CM | WNR],
    ["IC IVAU", a64.icIvau(X1), CM | WNR],
  ])("%s at EL0 of EL1's page: a permission fault", (_, instruction, flags) => {
    const machine = new MmuMachine();
    machine.control(sctlr.DZE | sctlr.UCI);
    expect(faultOf(machine, instruction, va.data + 0x40n, 0)).toEqual({
      ec: ec.dataLower,
      iss: flags | 0x0f,
      far: va.data + 0x40n,
    });
  });

  it.each([
    ["store", a64.str(0, X1), WNR],
    ["atomic add", a64.ldadd(0, 2, X1), WNR],
    ["compare-and-swap that would not store", a64.cas(0, 2, X1), WNR],
    ["DC ZVA", a64.dcZva(X1), WNR],
    ["DC IVAC", a64.dcIvac(X1), CM | WNR],
  ])("%s to a read-only page: a permission fault with WnR", (_, instruction, flags) => {
    const machine = new MmuMachine();
    machine.tables.map(va.data, place.data, attribute.readOnly);
    machine.setX(0, 1n);
    expect(faultOf(machine, instruction, va.data)).toEqual({ ec: ec.data, iss: flags | 0x0f, far: va.data });
  });

  it("cache maintenance that only cleans needs no permission to write", () => {
    const machine = new MmuMachine();
    machine.tables.map(va.data, place.data, attribute.readOnly);
    machine.setX(X1, va.data);
    expect(machine.execute([a64.dcCivac(X1), a64.dcCvau(X1), a64.icIvau(X1), a64.movz(2, 7)])).toEqual(
      stopped,
    );
    expect(machine.x(2)).toBe(7n);
  });

  it("a block's permission fault has the block's level", () => {
    const machine = new MmuMachine();
    machine.tables.map(1n << 40n, 0x4000_0000, attribute.readOnly, 1);
    expect(faultOf(machine, a64.str(0, X1), 1n << 40n).iss).toBe(WNR | 0x0d);
  });

  it("FAR is the whole address, tag included", () => {
    const machine = new MmuMachine({ tcr: { tbi0: true } });
    const tagged = (0xa5n << 56n) | va.nothing;
    machine.setX(X1, tagged);
    expect(machine.execute([a64.ldr(0, X1)])).toEqual(stopped);
    expect(machine.get("FAR_EL1")).toBe(tagged);
  });

  it("an access that ends in the next page faults with that page's first address, and stores nothing", () => {
    const machine = new MmuMachine();
    for (const [instruction, flags] of [
      [a64.ldr(0, X1), 0],
      [a64.str(0, X1), WNR],
      [a64.stp(0, 0, X1), WNR],
      [a64.ldrQ(0, X1), 0],
      [a64.strQ(0, X1), WNR],
    ] as const) {
      machine.set("CPACR_EL1", 3n << 20n);
      machine.setX(0, -1n);
      expect(faultOf(machine, instruction, va.data + 0xffcn)).toEqual({
        ec: ec.data,
        iss: flags | 0x07,
        far: va.data + 0x1000n,
      });
      expect(machine.peek(place.data + 0xff8)).toBe(0n);
    }
  });

  it("an access that begins in an unmapped page faults with its own address", () => {
    const machine = new MmuMachine();
    expect(faultOf(machine, a64.ldr(0, X1), va.data - 4n).far).toBe(va.data - 4n);
  });

  it("a table where no memory is: a synchronous external abort on the walk, in data and in fetches", () => {
    const machine = new MmuMachine();
    machine.tables.set(machine.tables.at(va.nothing, 2), 0x0800_0000n | attribute.table);
    expect(faultOf(machine, a64.ldr(0, X1), va.nothing)).toEqual({ ec: ec.data, iss: 0x17, far: va.nothing });
    machine.setX(X1, va.nothing);
    expect(machine.execute([a64.br(X1)])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: ec.fetch, iss: 0x17, far: Number(va.nothing) });
  });

  it("an address size fault with the MMU off is of level 0", () => {
    const machine = new BareMachine();
    machine.setX(X1, 1n << 44n);
    expect(machine.execute([a64.ldr(0, X1)])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: ec.data, iss: 0, far: 2 ** 44 });
  });
});

describe("alignment", () => {
  const unaligned: readonly [string, number, number][] = [
    ["load-exclusive", a64.ldxr(0, X1), 0],
    ["store-exclusive", a64.stxr(2, 0, X1), WNR],
    ["load-acquire", a64.ldar(0, X1), 0],
    ["store-release", a64.stlr(0, X1), WNR],
    ["atomic add", a64.ldadd(0, 2, X1), 0],
    ["compare-and-swap", a64.cas(0, 2, X1), 0],
  ];
  it.each(unaligned)("a misaligned %s always faults", (_, instruction, flags) => {
    const machine = new MmuMachine();
    expect(faultOf(machine, instruction, va.data + 4n)).toEqual({
      ec: ec.data,
      iss: flags | 0x21,
      far: va.data + 4n,
    });
  });

  it("comes before the translation of the address, where the instruction asks for it", () => {
    const machine = new MmuMachine();
    expect(faultOf(machine, a64.ldxr(0, X1), va.nothing + 1n).iss).toBe(0x21);
  });

  const plain: readonly [string, number, number][] = [
    ["load", a64.ldr(0, X1), 0],
    ["store", a64.str(0, X1), WNR],
    ["pair load", a64.ldp(0, 2, X1), 0],
    ["SIMD store", a64.strQ(0, X1), WNR],
  ];
  it.each(plain)(
    "a misaligned %s faults with SCTLR_EL1.A and to device memory, else not",
    (_, instruction, flags) => {
      const machine = new MmuMachine();
      machine.set("CPACR_EL1", 3n << 20n);
      machine.setX(X1, va.data + 4n);
      expect(machine.execute([instruction])).toEqual(stopped);
      expect(machine.pc).toBe(BigInt(place.code + 8));

      machine.tables.map(va.nothing, place.data, deviceMemory);
      expect(faultOf(machine, instruction, va.nothing + 4n)).toEqual({
        ec: ec.data,
        iss: flags | 0x21,
        far: va.nothing + 4n,
      });
      machine.control(sctlr.A);
      expect(faultOf(machine, instruction, va.data + 4n)).toEqual({
        ec: ec.data,
        iss: flags | 0x21,
        far: va.data + 4n,
      });
    },
  );

  it("a pair is aligned when its elements are", () => {
    const machine = new MmuMachine();
    machine.control(sctlr.A);
    machine.setX(X1, va.data + 8n);
    expect(machine.execute([a64.ldp(0, 2, X1)])).toEqual(stopped);
    expect(machine.pc).toBe(BigInt(place.code + 8));
  });

  it("in device memory: after a translation fault, before a permission fault", () => {
    const machine = new MmuMachine();
    machine.tables.map(va.data, place.data, deviceMemory | attribute.readOnly);
    expect(faultOf(machine, a64.str(0, X1), va.data + 1n).iss).toBe(WNR | 0x21);
    expect(faultOf(machine, a64.str(0, X1), va.nothing + 1n).iss).toBe(WNR | 0x05);
    expect(faultOf(machine, a64.str(0, X1), va.data).iss).toBe(WNR | 0x0f);
  });

  it("everything is device memory while the MMU is off", () => {
    const machine = new BareMachine();
    machine.setX(X1, BigInt(place.data + 1));
    expect(machine.execute([a64.ldr(0, X1)])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: ec.data, iss: 0x21, far: place.data + 1 });
  });

  it("DC ZVA faults in device memory with the address it was given", () => {
    const machine = new MmuMachine();
    machine.tables.map(va.nothing, place.data, deviceMemory);
    expect(faultOf(machine, a64.dcZva(X1), va.nothing + 0x55n)).toEqual({
      ec: ec.data,
      iss: WNR | 0x21,
      far: va.nothing + 0x55n,
    });
  });

  it("a misaligned SP faults as the base of an access while SA or SA0 is set, and nowhere else", () => {
    const machine = new MmuMachine();
    const program = [...a64.mov64(2, va.data + 8n), a64.movSp(2), a64.ldr(0, 31)];
    expect(machine.execute(program)).toEqual(stopped);
    expect(machine.pc).toBe(BigInt(place.code + 4 * program.length + 4));
    machine.control(sctlr.SA);
    expect(machine.execute(program)).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: ec.sp, iss: 0, elr: place.code + 20 });
    // The check is not about other bases, and not about EL0.
    const atEl0 = [...a64.mov64(2, va.user + 8n), a64.movSp(2), a64.ldr(0, 31), a64.svc(1)];
    expect(machine.executeAtEl0(atEl0)).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: 0x15 });
    machine.control(sctlr.SA0);
    expect(machine.executeAtEl0(atEl0)).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: ec.sp, vector: vector.lower });
  });

  it("a misaligned PC is a PC alignment fault with FAR and ELR at it, before its translation", () => {
    const machine = new MmuMachine();
    machine.setX(X1, va.nothing + 2n);
    expect(machine.execute([a64.br(X1)])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({
      ec: ec.pc,
      iss: 0,
      elr: Number(va.nothing) + 2,
      far: Number(va.nothing) + 2,
    });
  });
});

describe("instruction aborts", () => {
  it.each([
    ["an unmapped page", va.nothing, 1, 0x05],
    ["a page of EL0's that EL0 may write", va.user, 1, 0x0f],
  ] as const)("%s", (_, address, el, iss) => {
    const machine = new MmuMachine();
    machine.setX(X1, address);
    expect(machine.execute([a64.br(X1)])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({
      vector: el === 1 ? vector.current : vector.lower,
      ec: ec.fetch,
      iss,
      elr: Number(address),
      far: Number(address),
    });
  });

  it("EL0: EL1's code, UXN, and an address beyond both halves", () => {
    const machine = new MmuMachine();
    machine.tables.map(va.user, place.data, attribute.el0 | attribute.uxn);
    machine.tables.map(va.data, place.data, attribute.uxn);
    for (const [address, iss] of [
      [va.nothing, 0x05],
      [va.user, 0x0f],
      [1n << 50n, 0x04],
      [va.data, 0x0f],
    ] as const) {
      machine.setX(X1, address);
      expect(machine.executeAtEl0([a64.br(X1)])).toEqual(stopped);
      expect(machine.exception()).toMatchObject({
        vector: vector.lower,
        ec: ec.fetchLower,
        iss,
        elr: Number(address),
        far: Number(address),
      });
    }
  });

  it("EL0 may execute EL1's page where it is not UXN", () => {
    const machine = new MmuMachine();
    machine.load(place.data, [a64.svc(5)]);
    machine.setX(X1, va.data);
    machine.executeAtEl0([a64.br(X1)]);
    expect(machine.exception()).toMatchObject({ ec: 0x15, iss: 5, elr: Number(va.data) + 4 });
  });

  it("a branch to a tagged address drops the tag where the top byte is ignored", () => {
    const machine = new MmuMachine({ tcr: { tbi0: true } });
    machine.load(place.data, [stop]);
    machine.setX(X1, (0x5an << 56n) | va.data);
    expect(machine.execute([a64.br(X1)])).toEqual(stopped);
    expect(machine.pc).toBe(va.data + 4n);
  });

  it("a branch to a tagged address faults where it is not ignored", () => {
    const machine = new MmuMachine();
    machine.setX(X1, (0x5an << 56n) | va.data);
    expect(machine.execute([a64.br(X1)])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: ec.fetch, iss: 0x04 });
    expect(machine.get("ELR_EL1")).toBe((0x5an << 56n) | va.data);
  });

  it("where no memory is: an external abort, at EL1 and EL0", () => {
    const machine = new MmuMachine();
    machine.tables.map(va.device, place.device, attribute.readOnly | attribute.el0);
    machine.setX(X1, va.device + 8n);
    expect(machine.execute([a64.br(X1)])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: ec.fetch, iss: 0x10, far: Number(va.device) + 8 });
    machine.executeAtEl0([a64.br(X1)]);
    expect(machine.exception()).toMatchObject({ ec: ec.fetchLower, iss: 0x10, elr: Number(va.device) + 8 });
  });
});

describe("unprivileged accesses", () => {
  it("LDTR and STTR at EL1 have EL0's permissions and report EL1's class", () => {
    const machine = new MmuMachine();
    expect(faultOf(machine, a64.ldtr(0, X1), va.data)).toEqual({ ec: ec.data, iss: 0x0f, far: va.data });
    expect(faultOf(machine, a64.sttr(0, X1), va.data)).toEqual({
      ec: ec.data,
      iss: WNR | 0x0f,
      far: va.data,
    });
    machine.poke(place.data + 0x1000, 0x1122n);
    machine.setX(X1, va.user);
    machine.setX(2, 0x55n);
    machine.execute([a64.ldtr(0, X1), a64.sttr(2, X1)]);
    expect(machine.x(0)).toBe(0x1122n);
    expect(machine.peek(place.data + 0x1000)).toBe(0x55n);
  });

  it("a plain access beside them keeps EL1's", () => {
    const machine = new MmuMachine();
    machine.poke(place.data, 0x77n);
    machine.setX(X1, va.data);
    machine.execute([a64.ldr(0, X1), a64.ldtr(2, X1)]);
    expect(machine.x(0)).toBe(0x77n);
    expect(machine.exception()).toMatchObject({ ec: ec.data, iss: 0x0f, elr: place.code + 4 });
  });
});

describe("AT", () => {
  const program = (instruction: (t: number) => number) => [instruction(X1), a64.mrs(0, "3 0 7 4 0")];
  const par = (machine: MmuMachine, instruction: (t: number) => number, address: bigint): bigint => {
    machine.setX(X1, address);
    expect(machine.execute(program(instruction))).toEqual(stopped);
    return machine.x(0);
  };

  it("gives the address and the attributes in PAR_EL1", () => {
    const machine = new MmuMachine();
    machine.tables.map(va.data, place.data, attribute.innerShareable);
    expect(par(machine, a64.atS1E1R, va.data + 0x123n)).toBe(
      (0xffn << 56n) | BigInt(place.data) | 0x800n | (3n << 7n),
    );
    // Device and non-cacheable memory are outer shareable whatever the tables say.
    expect(par(machine, a64.atS1E1W, va.device)).toBe(BigInt(place.device) | 0x800n | (2n << 7n));
    machine.tables.map(va.nothing, place.data, attribute.index(2) | attribute.innerShareable);
    expect(par(machine, a64.atS1E1R, va.nothing)).toBe(
      (0x44n << 56n) | BigInt(place.data) | 0x800n | (2n << 7n),
    );
  });

  it("gives the fault in PAR_EL1, by what EL0 or EL1 may do", () => {
    const machine = new MmuMachine();
    const fault = (status: bigint): bigint => 0x801n | (status << 1n);
    machine.tables.map(va.user, place.data, attribute.el0 | attribute.readOnly);
    expect(par(machine, a64.atS1E1R, va.nothing)).toBe(fault(0x05n));
    expect(par(machine, a64.atS1E0R, va.data)).toBe(fault(0x0fn));
    expect(par(machine, a64.atS1E0W, va.data)).toBe(fault(0x0fn));
    expect(par(machine, a64.atS1E1W, va.user)).toBe(fault(0x0fn));
    expect(par(machine, a64.atS1E0W, va.user)).toBe(fault(0x0fn));
    expect(par(machine, a64.atS1E0R, va.user) & 1n).toBe(0n);
    expect(par(machine, a64.atS1E1R, 1n << 50n)).toBe(fault(0x04n));
  });

  it("takes an external abort on the walk as an abort", () => {
    const machine = new MmuMachine();
    machine.tables.set(machine.tables.at(va.nothing, 2), 0x0800_0000n | attribute.table);
    expect(faultOf(machine, a64.atS1E1R(X1), va.nothing)).toEqual({
      ec: ec.data,
      iss: CM | WNR | 0x17,
      far: va.nothing,
    });
  });
});
