import { describe, expect, it } from "vitest";
import { BoardError } from "../../../src/machine/board/arm64Virt.ts";
import { type PcRequest, x86Pc } from "../../../src/machine/board/x86Pc.ts";
import { PortBus, PortBusError } from "../../../src/machine/portBus.ts";

function board(epochSeconds = 0n) {
  let nanoseconds = 0n;
  const requests: PcRequest[] = [];
  const irqs: [number, boolean][] = [];
  const pc = x86Pc({
    memoryBytes: 64 << 20,
    cpus: 1,
    scheduler: { now: () => nanoseconds, at: () => ({ cancel: () => {} }) },
    setIrq: (irq, level) => irqs.push([irq, level]),
    transmit: () => {},
    epochSeconds,
    request: (request) => requests.push(request),
  });
  const cmos = (index: number): number => {
    pc.ports.write(0x70, 1, index);
    return pc.ports.read(0x71, 1);
  };
  const setCmos = (index: number, value: number): void => {
    pc.ports.write(0x70, 1, index);
    pc.ports.write(0x71, 1, value);
  };
  return {
    pc,
    ports: pc.ports,
    requests,
    irqs,
    cmos,
    setCmos,
    pass: (seconds: bigint) => {
      nanoseconds += seconds * 1_000_000_000n;
    },
  };
}

/** 2026-11-21 10:59:58 UTC, a Saturday. */
const moment = BigInt(Date.UTC(2026, 10, 21, 10, 59, 58) / 1000);

describe("the ports of a PC", () => {
  it("read as ones where nothing is, at every size", () => {
    const { ports } = board();
    expect([ports.read(0x1234, 1), ports.read(0x1234, 2), ports.read(0x1234, 4)]).toEqual([
      0xff, 0xffff, 0xffff_ffff,
    ]);
  });

  it("split an access that is larger than the device takes", () => {
    const { ports } = board();
    // Scratch register of the serial port, and nothing behind it.
    ports.write(0x3ff, 2, 0xab5a);
    expect(ports.read(0x3ff, 2)).toBe(0xff5a);
  });

  it("belong to one device each", () => {
    const bus = new PortBus();
    const device = { name: "a", width: 1 as const, readPort: () => 0, writePort: () => {} };
    bus.map(0x10, 8, device);
    expect(() => bus.map(0x17, 1, device)).toThrow(PortBusError);
    expect(() => bus.map(0xffff, 2, device)).toThrow(PortBusError);
  });
});

describe("the clock of a PC", () => {
  it("shows the time in BCD, with its century, and goes on", () => {
    const { cmos, pass } = board(moment);
    const time = (): number[] => [0x32, 9, 8, 7, 4, 2, 0].map(cmos);
    expect(time()).toEqual([0x20, 0x26, 0x11, 0x21, 0x10, 0x59, 0x58]);
    expect(cmos(6)).toBe(7);
    pass(2n);
    expect(time()).toEqual([0x20, 0x26, 0x11, 0x21, 0x11, 0x00, 0x00]);
  });

  it("shows binary numbers when register B says so", () => {
    const { cmos, setCmos } = board(moment);
    setCmos(0xb, 6);
    expect([cmos(0), cmos(9)]).toEqual([58, 26]);
  });

  it("can be set", () => {
    const { cmos, setCmos, pass } = board(moment);
    setCmos(0xb, 0x82);
    setCmos(9, 0x30);
    setCmos(0xb, 0x02);
    pass(1n);
    expect([cmos(9), cmos(0)]).toEqual([0x30, 0x59]);
  });

  it("is never in the midst of an update, and its battery is good", () => {
    const { cmos } = board(moment);
    expect([cmos(0xa) & 0x80, cmos(0xd)]).toEqual([0, 0x80]);
  });
});

describe("what ends or restarts a PC", () => {
  it("resets by the keyboard controller, port 0xCF9 and port 0x92", () => {
    const { ports, requests } = board();
    ports.write(0x64, 1, 0xfe);
    ports.write(0xcf9, 1, 0x06);
    ports.write(0x92, 1, 0x01);
    expect(requests).toEqual([{ kind: "reset" }, { kind: "reset" }, { kind: "reset" }]);
  });

  it("does not reset for what looks at these ports", () => {
    const { ports, requests } = board();
    ports.write(0x64, 1, 0xaa);
    expect([ports.read(0x64, 1) & 1, ports.read(0x60, 1), ports.read(0x64, 1) & 1]).toEqual([1, 0x55, 0]);
    ports.write(0xcf9, 1, 0x02);
    ports.write(0x92, 1, 0x02);
    expect(requests).toEqual([]);
  });

  it("does not reset for what looks for PCI by the address at 0xCF8, and shows none", () => {
    const { ports, requests } = board();
    // Device 0, function 4: port 0xCF9 would get RST_CPU.
    ports.write(0xcf8, 4, 0x8000_0400);
    ports.write(0xcf8, 2, 0x0600);
    ports.write(0xcf9, 2, 0x0006);
    expect([ports.read(0xcf8, 4), ports.read(0xcfc, 4)]).toEqual([0xffff_ffff, 0xffff_ffff]);
    expect(requests).toEqual([]);
    ports.write(0xcf9, 1, 0x02);
    expect([ports.read(0xcf9, 1), ports.read(0xcfb, 1)]).toEqual([2, 0xff]);
  });

  it("ends by the debug-exit port with 2v + 1", () => {
    const { ports, requests } = board();
    ports.write(0xf4, 4, 0x10);
    expect(requests).toEqual([{ kind: "exit", status: 0x21 }]);
  });

  it("is switched off by ACPI's S5, and by no other sleep", () => {
    const { ports, requests } = board();
    ports.write(0x604, 2, (1 << 13) | (3 << 10));
    expect(requests).toEqual([]);
    ports.write(0x604, 2, (1 << 13) | (5 << 10));
    expect(requests).toEqual([{ kind: "power-off" }]);
    expect(ports.read(0x604, 2) & 1).toBe(1);
  });

  it("counts ACPI's timer at 3.579545 MHz", () => {
    const { ports, pass } = board();
    const before = ports.read(0x608, 4);
    pass(1n);
    expect(ports.read(0x608, 4) - before).toBe(3_579_545);
  });
});

describe("QEMU's fw_cfg", () => {
  /** The first bytes of an item, by ports 0x510 and 0x511. */
  const item = ({ ports }: ReturnType<typeof board>, selector: number, bytes: number): number[] => {
    ports.write(0x510, 2, selector);
    return Array.from({ length: bytes }, () => ports.read(0x511, 1));
  };

  it("tells its signature, the size of memory and the number of processors, and begins anew when selected", () => {
    const made = board();
    expect(String.fromCharCode(...item(made, 0, 4))).toBe("QEMU");
    expect(item(made, 3, 8)).toEqual([0, 0, 0, 4, 0, 0, 0, 0]);
    expect(item(made, 5, 2)).toEqual([1, 0]);
    expect(item(made, 5, 2)).toEqual([1, 0]);
  });

  it("reads zeros behind an item's end, and of items that it has not", () => {
    const made = board();
    expect(item(made, 5, 6)).toEqual([1, 0, 0, 0, 0, 0]);
    expect(item(made, 0x8003, 3)).toEqual([0, 0, 0]);
    expect(item(made, 0x19, 4)).toEqual([0, 0, 0, 0]);
  });

  it("remembers over save and load how far an item has been read", () => {
    const made = board();
    item(made, 0, 2);
    const state = made.pc.save();
    item(made, 5, 1);
    made.pc.load(state);
    expect(made.ports.read(0x511, 1)).toBe("M".charCodeAt(0));
    made.pc.reset();
    expect(made.ports.read(0x511, 1)).toBe("Q".charCodeAt(0));
  });
});

describe("QEMU's pc-testdev", () => {
  it("keeps four bytes behind ports, whole or one at a time", () => {
    const { ports, pc } = board();
    ports.write(0xe0, 4, 0x8765_4321);
    expect([ports.read(0xe0, 4), ports.read(0xe2, 2), ports.read(0xe9, 1)]).toEqual([
      0x8765_4321, 0x8765, 0x43,
    ]);
    ports.write(0xe8, 2, 0xabcd);
    expect(ports.read(0xe0, 4)).toBe(0x8765_abcd);
    pc.reset();
    expect(ports.read(0xe0, 4)).toBe(0);
  });

  it("keeps 64 KiB behind addresses; elsewhere the guest reads ones", () => {
    const { pc } = board();
    pc.writeMmio(0xff00_0001n, 8, 0x8877_6655_4433_2211n);
    expect(pc.readMmio(0xff00_0000n, 4)).toBe(0x3322_1100n);
    expect(pc.readMmio(0xff00_0006n, 3)).toBe(0x88_7766n);
    pc.writeMmio(0xff00_ffffn, 2, 0x1234n);
    expect(pc.readMmio(0xff00_fffen, 2)).toBe(0n);
    expect([pc.readMmio(0xff00_fffen, 4), pc.readMmio(0xd000_0000n, 8)]).toEqual([
      0xffff_ffffn,
      2n ** 64n - 1n,
    ]);
    const state = pc.save();
    pc.reset();
    expect(pc.readMmio(0xff00_0001n, 1)).toBe(0n);
    pc.load(state);
    expect(pc.readMmio(0xff00_0001n, 1)).toBe(0x11n);
  });

  it("sets the interrupt controllers' inputs, the first of the ports in a wide access", () => {
    const { ports, pc, irqs } = board();
    ports.write(0x200b, 4, 1);
    ports.write(0x200b, 4, 0);
    ports.write(0x2017, 1, 0xff);
    pc.reset();
    expect(irqs).toEqual([
      [11, true],
      [11, false],
      [23, true],
      [23, false],
    ]);
  });
});

describe("the board", () => {
  it.each([
    [0x8_0000, 1],
    [0x10_0001, 1],
    [2 ** 32, 1],
    [0x10_0000, 0],
    [0x10_0000, 65],
  ])("cannot be had with %d bytes and %d CPUs", (memoryBytes, cpus) => {
    const scheduler = { now: () => 0n, at: () => ({ cancel: () => {} }) };
    const make = () =>
      x86Pc({ memoryBytes, cpus, scheduler, setIrq: () => {}, transmit: () => {}, request: () => {} });
    expect(make).toThrow(BoardError);
  });

  it("drives IRQ 4 from the serial port, and says each change once", () => {
    const { pc, ports, irqs } = board();
    ports.write(0x3fc, 1, 8);
    ports.write(0x3f9, 1, 1);
    pc.uart.receive(Uint8Array.of(1, 2));
    ports.read(0x3f8, 1);
    ports.read(0x3f8, 1);
    expect(irqs).toEqual([
      [4, true],
      [4, false],
    ]);
  });

  it("remembers everything over save and load", () => {
    const { pc, ports, cmos, setCmos } = board(moment);
    setCmos(0x50, 0x77);
    ports.write(0x3ff, 1, 0x12);
    const state = pc.save();
    setCmos(0x50, 0);
    pc.reset();
    ports.write(0x3ff, 1, 0);
    pc.load(state);
    expect([cmos(0x50), ports.read(0x3ff, 1)]).toEqual([0x77, 0x12]);
  });
});
