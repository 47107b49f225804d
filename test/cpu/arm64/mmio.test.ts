import { describe, expect, it } from "vitest";
import type { KvmExit } from "../../../src/kvm/exits.ts";
import { type AccessBytes, a64 } from "./support/assembler.ts";
import { BareMachine, place, stopped } from "./support/machine.ts";
import { deviceMemory, MmuMachine, va } from "./support/mmu.ts";

type Mmio = Extract<KvmExit, { reason: "MMIO" }>;

/** Reads answer with bytes that count up from the address; all accesses are noted. */
class Recorder {
  readonly accesses: string[] = [];
  readonly device = (exit: Mmio): bigint => {
    const at = exit.address - BigInt(place.device);
    this.accesses.push(
      exit.isWrite ? `write${exit.length} ${at} 0x${exit.data.toString(16)}` : `read${exit.length} ${at}`,
    );
    let value = 0n;
    for (let i = exit.length - 1; i >= 0; i--) value = (value << 8n) | ((at + BigInt(i) + 1n) & 0xffn);
    return value;
  };
}

function machineWithDevice(): { readonly machine: MmuMachine; readonly recorder: Recorder } {
  const machine = new MmuMachine();
  const recorder = new Recorder();
  machine.device = recorder.device;
  machine.set("CPACR_EL1", 3n << 20n);
  return { machine, recorder };
}

const X1 = 1;

describe("accesses that no memory slot answers", () => {
  it.each([1, 2, 4, 8] as const)("a load of %i bytes reads the device once and zero-extends", (bytes) => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device + 0xf8n);
    machine.setX(0, -1n);
    expect(machine.execute([a64.ldr(0, X1, bytes)])).toEqual(stopped);
    expect(recorder.accesses).toEqual([`read${bytes} 248`]);
    expect(machine.x(0)).toBe(BigInt.asUintN(8 * bytes, 0x00fffefdfcfbfaf9n));
  });

  it.each([1, 2, 4] as const)(
    "a sign-extending load of %i bytes extends what the device answers",
    (bytes) => {
      const { machine } = machineWithDevice();
      machine.device = () => 0xffff_ffff_ffff_ffffn;
      machine.setX(X1, va.device);
      machine.execute([a64.ldrs(0, X1, bytes)]);
      expect(machine.x(0)).toBe(0xffff_ffff_ffff_ffffn);
      machine.device = () => 0x7fffn >> BigInt(bytes === 1 ? 8 : 0);
      machine.execute([a64.ldrs(0, X1, bytes)]);
      expect(machine.x(0)).toBe(bytes === 1 ? 0x7fn : 0x7fffn);
    },
  );

  it.each([1, 2, 4, 8] as AccessBytes[])("a store of %i bytes writes the device once", (bytes) => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device + 8n);
    machine.setX(0, 0x1122_3344_5566_7788n);
    machine.execute([a64.str(0, X1, bytes)]);
    const value = BigInt.asUintN(8 * bytes, 0x1122_3344_5566_7788n);
    expect(recorder.accesses).toEqual([`write${bytes} 8 0x${value.toString(16)}`]);
  });

  it("bits of an answer beyond the access do not reach the register", () => {
    const { machine } = machineWithDevice();
    machine.device = () => 0xffff_ffff_ffff_ff12n;
    machine.setX(X1, va.device);
    machine.execute([a64.ldr(0, X1, 1)]);
    expect(machine.x(0)).toBe(0x12n);
  });

  it("a pair is two accesses in order", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    machine.setX(4, 0xaan);
    machine.setX(5, 0xbbn);
    machine.execute([a64.ldp(2, 3, X1), a64.stp(4, 5, X1, 16)]);
    expect(recorder.accesses).toEqual(["read8 0", "read8 8", "write8 16 0xaa", "write8 24 0xbb"]);
    expect([machine.x(2), machine.x(3)]).toEqual([0x0807060504030201n, 0x100f0e0d0c0b0a09n]);
  });

  it("a SIMD register is two accesses of eight bytes", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    machine.execute([a64.ldrQ(0, X1), a64.addImm(X1, X1, 32), a64.strQ(0, X1)]);
    expect(recorder.accesses).toEqual([
      "read8 0",
      "read8 8",
      "write8 32 0x807060504030201",
      "write8 40 0x100f0e0d0c0b0a09",
    ]);
  });

  it("exclusives work on a device, each half once", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    machine.execute([a64.ldxr(0, X1, 4), a64.stxr(2, 0, X1, 4), a64.stxr(3, 0, X1, 4)]);
    expect(recorder.accesses).toEqual(["read4 0", "write4 0 0x4030201"]);
    expect([machine.x(2), machine.x(3)]).toEqual([0n, 1n]);
  });

  it("an atomic reads once and writes once", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    machine.setX(0, 0x10n);
    machine.execute([a64.ldadd(0, 2, X1, 4)]);
    expect(recorder.accesses).toEqual(["read4 0", "write4 0 0x4030211"]);
    expect(machine.x(2)).toBe(0x04030201n);
  });

  it("a post-indexed store writes the base back once, after the access", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    machine.setX(0, 7n);
    machine.execute([a64.strPost(0, X1, 8), a64.strPost(0, X1, 8)]);
    expect(recorder.accesses).toEqual(["write8 0 0x7", "write8 8 0x7"]);
    expect(machine.x(X1)).toBe(va.device + 16n);
  });

  it("a misaligned access to a device mapped as normal memory goes out whole; across a page, by bytes", () => {
    const { machine, recorder } = machineWithDevice();
    machine.tables.map(va.nothing, place.device);
    machine.tables.map(va.nothing + 0x1000n, place.device + 0x1000);
    machine.setX(X1, va.nothing + 2n);
    machine.execute([a64.ldr(0, X1, 4)]);
    machine.setX(X1, va.nothing + 0xffen);
    machine.execute([a64.ldr(2, X1, 4)]);
    expect(recorder.accesses).toEqual(["read4 2", "read1 4094", "read1 4095", "read1 4096", "read1 4097"]);
    expect(machine.x(0)).toBe(0x06050403n);
    expect(machine.x(2)).toBe(0x0201_00ffn);
  });

  it("an access half in RAM and half in a device does each half where it belongs", () => {
    const { machine, recorder } = machineWithDevice();
    machine.tables.map(va.nothing, place.data);
    machine.tables.map(va.nothing + 0x1000n, place.device);
    machine.poke(place.data + 0xff8, 0xaabb_ccdd_0000_0000n);
    machine.setX(X1, va.nothing + 0xffcn);
    machine.setX(2, 0x1122_3344_5566_7788n);
    machine.execute([a64.ldr(0, X1), a64.str(2, X1)]);
    expect(recorder.accesses).toEqual([
      "read1 0",
      "read1 1",
      "read1 2",
      "read1 3",
      "write1 0 0x44",
      "write1 1 0x33",
      "write1 2 0x22",
      "write1 3 0x11",
    ]);
    expect(machine.x(0)).toBe(0x04030201_aabbccddn);
    expect(machine.peek(place.data + 0xff8)).toBe(0x5566_7788_0000_0000n);
  });

  it("a pair with one half in RAM reads the device once", () => {
    const { machine, recorder } = machineWithDevice();
    machine.tables.map(va.nothing, place.data);
    machine.tables.map(va.nothing + 0x1000n, place.device);
    machine.poke(place.data + 0xff8, 42n);
    machine.setX(X1, va.nothing + 0xff8n);
    machine.execute([a64.ldp(2, 3, X1)]);
    expect(recorder.accesses).toEqual(["read8 0"]);
    expect([machine.x(2), machine.x(3)]).toEqual([42n, 0x0807060504030201n]);
  });

  it("DC ZVA writes zeros over the block", () => {
    const { machine, recorder } = machineWithDevice();
    machine.tables.map(va.nothing, place.device);
    machine.setX(X1, va.nothing + 0x5fn);
    machine.execute([a64.dcZva(X1)]);
    expect(recorder.accesses).toEqual(Array.from({ length: 8 }, (_, i) => `write8 ${64 + 8 * i} 0x0`));
  });

  it("cache maintenance of a device does nothing", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    expect(machine.execute([a64.dcCivac(X1), a64.dcIvac(X1), a64.icIvau(X1)])).toEqual(stopped);
    expect(recorder.accesses).toEqual([]);
    expect(machine.pc).toBe(BigInt(place.code + 16));
  });

  it("an access takes one instruction of virtual time, however many exits it has", () => {
    const { machine } = machineWithDevice();
    machine.setX(X1, va.device);
    const { clock } = machine.vm.cluster;
    const begin = clock.nanoseconds;
    machine.execute([a64.ldp(2, 3, X1), a64.nop]);
    // LDP, NOP and the WFE that stops.
    expect(clock.nanoseconds - begin).toBe(3);
  });

  it("no interrupt comes between the parts of an instruction", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    machine.device = (exit) => {
      machine.interrupts.irq[0] = true;
      return recorder.device(exit);
    };
    machine.execute([a64.daifClear(2), a64.ldp(2, 3, X1), a64.nop]);
    expect(recorder.accesses).toEqual(["read8 0", "read8 8"]);
    expect(machine.get("ELR_EL1")).toBe(BigInt(place.code + 8));
    expect(machine.x(3)).toBe(0x100f0e0d0c0b0a09n);
  });
});

describe("accesses that nothing answers at all", () => {
  it.each([
    ["load", a64.ldr(0, X1), 0x10],
    ["store", a64.str(0, X1), 0x50],
    ["second half of a pair", a64.ldp(0, 2, X1), 0x10],
  ] as const)("%s: a synchronous external abort, at EL1 and at EL0", (what, instruction, iss) => {
    const { machine } = machineWithDevice();
    const second = what.startsWith("second");
    machine.device = (exit) => (second && exit.address === BigInt(place.device) ? 1n : undefined);
    machine.setX(X1, va.device);
    expect(machine.execute([instruction])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ vector: 0x200, ec: 0x25, iss, elr: place.code });
    expect(machine.executeAtEl0([instruction])).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ vector: 0x400, ec: 0x24, iss, elr: Number(va.userCode) });
    expect(machine.get("FAR_EL1")).toBe(va.device + (second ? 8n : 0n));
  });

  it("the instruction afterwards starts anew", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    machine.device = (exit) => (exit.address === BigInt(place.device) ? 1n : undefined);
    machine.execute([a64.ldp(0, 2, X1)]);
    machine.device = recorder.device;
    machine.execute([a64.ldp(0, 2, X1)]);
    expect(recorder.accesses).toEqual(["read8 0", "read8 8"]);
  });
});

describe("an access whose instruction the host leaves", () => {
  it("does not answer another instruction's access to the same place", () => {
    const { machine } = machineWithDevice();
    const vcpu = machine.vcpu();
    machine.load(place.code, [a64.ldp(0, 2, X1), a64.ldr(3, X1)]);
    machine.setX(X1, va.device);
    machine.pc = BigInt(place.code);
    expect(vcpu.run(10)).toMatchObject({ reason: "MMIO", address: BigInt(place.device) });
    vcpu.completeMmio(0x11n);
    machine.pc = BigInt(place.code + 4);
    expect(vcpu.run(10)).toMatchObject({ reason: "MMIO", address: BigInt(place.device) });
    vcpu.completeMmio(0x22n);
    vcpu.run(1);
    expect(machine.x(3)).toBe(0x22n);
  });

  it("is refused when nobody waits for it", () => {
    const machine = new BareMachine();
    expect(() => machine.vcpu().completeMmio(0n)).toThrow(/waits for no MMIO access \(EINVAL\)/);
    expect(() => machine.vcpu().failMmio()).toThrow(/waits for no MMIO access \(EINVAL\)/);
  });
});

describe("read-only slots", () => {
  const rom = 0x0400_0000;
  function machineWithRom(): { readonly machine: MmuMachine; readonly writes: Mmio[] } {
    const { machine } = machineWithDevice();
    machine.vm.setMemoryRegion({ slot: 3, guestPhysicalAddress: BigInt(rom), size: 0x1000n, readOnly: true });
    machine.poke(rom, 0x55n);
    machine.tables.map(va.nothing, rom);
    const writes: Mmio[] = [];
    machine.device = (exit) => {
      writes.push(exit);
      return 0n;
    };
    return { machine, writes };
  }

  it("are read without an exit and execute", () => {
    const { machine, writes } = machineWithRom();
    machine.poke(rom, BigInt(a64.movz(5, 0x77)) | (BigInt(a64.ret) << 32n));
    machine.setX(X1, va.nothing);
    machine.execute([a64.ldr(0, X1), a64.ldrQ(0, X1), a64.blr(X1)]);
    expect(machine.x(5)).toBe(0x77n);
    expect(writes).toEqual([]);
  });

  it("answer writes with MMIO exits, and keep what they hold", () => {
    const { machine, writes } = machineWithRom();
    machine.setX(X1, va.nothing);
    machine.setX(0, 0x99n);
    // After a read has put the page into the TLB, too.
    machine.execute([a64.ldr(2, X1), a64.str(0, X1, 4), a64.ldr(3, X1)]);
    expect(writes).toMatchObject([{ isWrite: true, address: BigInt(rom), length: 4, data: 0x99n }]);
    expect([machine.x(2), machine.x(3)]).toEqual([0x55n, 0x55n]);
  });

  it("an atomic reads the memory and writes by MMIO", () => {
    const { machine, writes } = machineWithRom();
    machine.setX(X1, va.nothing);
    machine.setX(0, 1n);
    machine.execute([a64.ldadd(0, 2, X1)]);
    expect(machine.x(2)).toBe(0x55n);
    expect(writes).toMatchObject([{ isWrite: true, address: BigInt(rom), data: 0x56n }]);
  });

  it("DC ZVA writes by MMIO", () => {
    const { machine, writes } = machineWithRom();
    machine.setX(X1, va.nothing);
    machine.execute([a64.dcZva(X1)]);
    expect(writes).toHaveLength(8);
    expect(machine.peek(rom)).toBe(0x55n);
  });

  it("the host may write them, and code there is not executed stale", () => {
    const { machine } = machineWithRom();
    machine.load(rom, [a64.movz(5, 1), a64.ret]);
    machine.setX(X1, va.nothing);
    machine.execute([a64.blr(X1)]);
    machine.load(rom, [a64.movz(5, 2), a64.ret]);
    machine.execute([a64.blr(X1)]);
    expect(machine.x(5)).toBe(2n);
  });
});

describe("devices behind other mappings", () => {
  it("unprivileged accesses reach them", () => {
    const { machine, recorder } = machineWithDevice();
    machine.setX(X1, va.device);
    machine.execute([a64.ldtr(0, X1, 4), a64.sttr(0, X1, 4)]);
    expect(recorder.accesses).toEqual(["read4 0", "write4 0 0x4030201"]);
  });

  it("the same page remapped to RAM stops exiting after TLB maintenance", () => {
    const { machine, recorder } = machineWithDevice();
    machine.tables.map(va.nothing, place.device, deviceMemory);
    machine.setX(X1, va.nothing);
    machine.execute([a64.ldr(0, X1)]);
    machine.tables.map(va.nothing, place.data);
    machine.setX(2, va.nothing >> 12n);
    machine.execute([a64.tlbiVae1(2), a64.dsb, a64.isb, a64.ldr(0, X1), a64.str(0, X1)]);
    expect(recorder.accesses).toEqual(["read8 0"]);
  });
});
