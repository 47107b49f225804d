import { describe, expect, it } from "vitest";
import { a64 } from "./support/assembler.ts";
import { place, stopped } from "./support/machine.ts";
import { MmuMachine, va } from "./support/mmu.ts";
import { attribute } from "./support/tables.ts";

const [address, table, descriptor, other] = [1, 2, 3, 4];

/** A machine whose data page is full of ones. */
function machineWithData(): MmuMachine {
  const machine = new MmuMachine();
  machine.vm.writeMemory(BigInt(place.data), new Uint8Array(0x1000).fill(0xff));
  machine.setX(address, va.data + 0x107n);
  return machine;
}

/** Blocks of the data page that are zero, by number. */
function zeroBlocks(machine: MmuMachine): readonly number[] {
  const bytes = machine.vm.readMemory(BigInt(place.data), 0x1000);
  return Array.from({ length: 64 }, (_, i) => i).filter((i) =>
    bytes.subarray(64 * i, 64 * i + 64).every((byte) => byte === 0),
  );
}

describe("DC ZVA, block after block of a page in one run", () => {
  it("zeroes the 64 bytes around each address and no others", () => {
    const machine = machineWithData();
    const next = [a64.addImm(address, address, 0x80), a64.dcZva(address)];
    expect(machine.execute([a64.dcZva(address), ...next, ...next, ...next])).toEqual(stopped);
    expect(zeroBlocks(machine)).toEqual([4, 6, 8, 10]);
  });

  it("goes on to another page, and comes back", () => {
    const machine = machineWithData();
    machine.setX(other, va.data + 0x1000n);
    machine.tables.map(va.data + 0x1000n, place.data + 0x1000);
    machine.vm.writeMemory(BigInt(place.data + 0x1000), new Uint8Array(64).fill(0xff));
    machine.execute([
      ...[a64.dcZva(address), a64.dcZva(other), a64.addImm(address, address, 0x40), a64.dcZva(address)],
    ]);
    expect(zeroBlocks(machine)).toEqual([4, 5]);
    expect(machine.vm.readMemory(BigInt(place.data + 0x1000), 64)).toEqual(new Uint8Array(64));
  });

  it("faults with the address it was given once the page is read-only and its translation invalidated", () => {
    const machine = machineWithData();
    machine.setX(table, BigInt(machine.tables.at(va.data, 3)));
    machine.setX(descriptor, BigInt(place.data) | attribute.page | attribute.accessed | attribute.readOnly);
    const program = [
      ...[a64.dcZva(address), a64.addImm(address, address, 0x40), a64.str(descriptor, table)],
      ...[a64.dsb, a64.tlbiVmalle1, a64.dsb, a64.isb, a64.dcZva(address)],
    ];
    expect(machine.execute(program)).toEqual(stopped);
    expect(machine.exception()).toMatchObject({ ec: 0x25, far: Number(va.data) + 0x147 });
    expect(zeroBlocks(machine)).toEqual([4]);
  });
});
