import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Pl011 } from "../../../src/machine/devices/pl011.ts";
import {
  CR,
  FR,
  PL011_INTERRUPT as INT,
  LCR_H,
  PL011_OFFSET as OFFSET,
} from "../../../src/machine/devices/pl011Registers.ts";
import { VirtualTime, Wire } from "../virtualTime.ts";

let time: VirtualTime;
let wire: Wire;
let sent: number[];
let room: number;
let uart: Pl011;

beforeEach(() => {
  time = new VirtualTime();
  wire = new Wire();
  sent = [];
  room = 0;
  uart = new Pl011({
    interrupt: wire,
    scheduler: time,
    transmit: (byte) => sent.push(byte),
    onReceiveRoom: () => {
      room += 1;
    },
    backlogBytes: 64,
  });
});

const get = (offset: number) => Number(uart.read(offset, 4));
const put = (offset: number, value: number) => uart.write(offset, 4, BigInt(value));
const text = (value: string) => new TextEncoder().encode(value);

/** As Linux sets it up: FIFOs on, 115200 baud at 24 MHz, triggers at half, receive interrupts on. */
function startLikeLinux(): void {
  put(OFFSET.IBRD, 13);
  put(OFFSET.FBRD, 1);
  put(OFFSET.LCR_H, LCR_H.FEN | LCR_H.WLEN);
  put(OFFSET.IFLS, 0x12);
  put(OFFSET.CR, CR.UARTEN | CR.TXE | CR.RXE);
  put(OFFSET.IMSC, INT.RX | INT.RT);
}

describe("PL011 registers", () => {
  it("has the reset values of the manual", () => {
    const expected: [number, number][] = [
      [OFFSET.FR, FR.TXFE | FR.RXFE],
      [OFFSET.CR, 0x300],
      [OFFSET.IFLS, 0x12],
      [OFFSET.IMSC, 0],
      [OFFSET.RIS, 0],
      [OFFSET.LCR_H, 0],
    ];
    for (const [offset, value] of expected) expect(get(offset)).toBe(value);
    expect(wire.level).toBe(false);
  });

  it("identifies itself as an r1p5 by its PrimeCell registers, byte by byte or as words", () => {
    const ids = [0xfe0, 0xfe4, 0xfe8, 0xfec, 0xff0, 0xff4, 0xff8, 0xffc];
    expect(ids.map((offset) => get(offset))).toEqual([0x11, 0x10, 0x34, 0, 0x0d, 0xf0, 0x05, 0xb1]);
    expect(ids.map((offset) => Number(uart.read(offset, 1)))).toEqual([
      0x11, 0x10, 0x34, 0, 0x0d, 0xf0, 0x05, 0xb1,
    ]);
  });

  it("keeps only the bits that exist, for any value written", () => {
    const masks: [number, number][] = [
      [OFFSET.ILPR, 0xff],
      [OFFSET.IBRD, 0xffff],
      [OFFSET.FBRD, 0x3f],
      [OFFSET.LCR_H, 0xff],
      [OFFSET.IFLS, 0x3f],
      [OFFSET.IMSC, 0x7ff],
      [OFFSET.DMACR, 7],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...masks),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        ([offset, mask], value) => {
          put(offset, value);
          expect(get(offset)).toBe((value & mask) >>> 0);
        },
      ),
    );
  });

  it("reads zero and ignores writes where there is no register", () => {
    put(0x100, 0xffff_ffff);
    expect(get(0x100)).toBe(0);
    put(OFFSET.FR, 0xffff);
    expect(get(OFFSET.FR)).toBe(FR.TXFE | FR.RXFE);
  });
});

describe("PL011 sending", () => {
  it("sends at once, by any access size, set up or not", () => {
    for (const [index, size] of ([1, 2, 4] as const).entries())
      uart.write(OFFSET.DR, size, BigInt(65 + index));
    expect(sent).toEqual([65, 66, 67]);
    expect(get(OFFSET.FR) & (FR.TXFF | FR.BUSY)).toBe(0);
  });

  it("raises the transmit interrupt after a character, not before one, and until it is cleared", () => {
    put(OFFSET.IMSC, INT.TX);
    expect(wire.level).toBe(false);
    put(OFFSET.DR, 65);
    expect(wire.level).toBe(true);
    expect(get(OFFSET.MIS)).toBe(INT.TX);
    put(OFFSET.ICR, INT.TX);
    expect(wire.level).toBe(false);
  });
});

describe("PL011 receiving", () => {
  it("holds one character without the FIFOs and lets the next in when it is read", () => {
    put(OFFSET.IMSC, INT.RX);
    expect(uart.receive(text("abc"))).toBe(3);
    expect(get(OFFSET.FR) & (FR.RXFF | FR.RXFE)).toBe(FR.RXFF);
    for (const character of "abc") {
      expect(wire.level).toBe(true);
      expect(String.fromCharCode(get(OFFSET.DR))).toBe(character);
    }
    expect(wire.level).toBe(false);
    expect(get(OFFSET.FR) & FR.RXFE).toBe(FR.RXFE);
  });

  it("raises the receive interrupt at the level of UARTIFLS and lowers it below", () => {
    startLikeLinux();
    const levels = [4, 8, 16, 24, 28];
    for (const [select, level] of levels.entries()) {
      put(OFFSET.IFLS, select << 3);
      uart.receive(new Uint8Array(level - 1));
      expect(get(OFFSET.RIS) & INT.RX).toBe(0);
      uart.receive(new Uint8Array(1));
      expect(get(OFFSET.RIS) & INT.RX).toBe(INT.RX);
      get(OFFSET.DR);
      expect(get(OFFSET.RIS) & INT.RX).toBe(0);
      while (!(get(OFFSET.FR) & FR.RXFE)) get(OFFSET.DR);
    }
  });

  it("raises the receive timeout 32 bit times after the last character", () => {
    startLikeLinux();
    uart.receive(text("x"));
    time.advance(200_000n);
    uart.receive(text("y"));
    time.advance(277_000n);
    expect(wire.level).toBe(false);
    time.advance(2_000n);
    expect(get(OFFSET.MIS)).toBe(INT.RT);
    expect(wire.level).toBe(true);
    get(OFFSET.DR);
    expect(wire.level).toBe(true);
    get(OFFSET.DR);
    expect(wire.level).toBe(false);
    expect(time.waiting).toBe(0);
  });

  it("raises the timeout again when it is cleared with characters left", () => {
    startLikeLinux();
    uart.receive(text("x"));
    time.advance(1_000_000n);
    put(OFFSET.ICR, INT.RT);
    expect(wire.level).toBe(false);
    time.advance(1_000_000n);
    expect(wire.level).toBe(true);
  });

  it("takes no more than its backlog, says when there is room, and loses and reorders nothing", () => {
    startLikeLinux();
    const data = Uint8Array.from({ length: 200 }, (_, index) => index);
    const taken = uart.receive(data);
    expect(taken).toBe(32 + 64);
    expect(uart.receiveRoom).toBe(0);
    expect(uart.receive(Uint8Array.of(1))).toBe(0);
    const read: number[] = [];
    let given = taken;
    while (!(get(OFFSET.FR) & FR.RXFE)) {
      const before = room;
      read.push(get(OFFSET.DR));
      if (room > before) given += uart.receive(data.subarray(given));
    }
    expect(read).toEqual([...data]);
  });

  it("passes a break as a zero character with its error bits and interrupt", () => {
    startLikeLinux();
    put(OFFSET.IMSC, INT.BE);
    uart.receive(text("a"));
    uart.receiveBreak();
    expect(wire.level).toBe(true);
    expect(get(OFFSET.DR)).toBe(0x61);
    expect(get(OFFSET.DR)).toBe(0x500);
    expect(get(OFFSET.RSR_ECR)).toBe(0x5);
    put(OFFSET.RSR_ECR, 0);
    expect(get(OFFSET.RSR_ECR)).toBe(0);
    put(OFFSET.ICR, INT.BE);
    expect(wire.level).toBe(false);
  });

  it("goes back to its reset values and keeps what the guest was not given yet", () => {
    startLikeLinux();
    uart.receive(text("0123456789012345678901234567890123456789"));
    put(OFFSET.DR, 1);
    uart.reset();
    expect([get(OFFSET.CR), get(OFFSET.IMSC), get(OFFSET.RIS), wire.level]).toEqual([
      0x300,
      0,
      INT.RX,
      false,
    ]);
    expect(get(OFFSET.DR)).toBe(0x32);
  });

  it("empties the FIFO when FEN changes", () => {
    startLikeLinux();
    uart.receive(text("abc"));
    put(OFFSET.LCR_H, LCR_H.WLEN);
    expect(get(OFFSET.FR) & FR.RXFE).toBe(FR.RXFE);
    expect(time.waiting).toBe(0);
  });
});

describe("PL011 loopback", () => {
  beforeEach(() => {
    startLikeLinux();
    put(OFFSET.CR, CR.UARTEN | CR.TXE | CR.RXE | CR.LBE);
  });

  it("returns characters and sends none out, and overruns when nobody reads", () => {
    for (let i = 0; i < 33; i += 1) put(OFFSET.DR, i);
    expect(sent).toEqual([]);
    expect(get(OFFSET.RIS) & INT.OE).toBe(INT.OE);
    const read = Array.from({ length: 32 }, () => get(OFFSET.DR));
    expect(read).toEqual([...Array.from({ length: 31 }, (_, i) => i), 31 | (1 << 11)]);
  });

  it("keeps characters from outside until it ends", () => {
    uart.receive(text("z"));
    expect(get(OFFSET.FR) & FR.RXFE).toBe(FR.RXFE);
    put(OFFSET.CR, CR.UARTEN | CR.TXE | CR.RXE);
    expect(get(OFFSET.DR)).toBe(0x7a);
  });

  it("connects the modem outputs to the inputs, with their interrupts", () => {
    const pairs: [number, number, number][] = [
      [CR.RTS, FR.CTS, INT.CTS],
      [CR.DTR, FR.DSR, INT.DSR],
      [CR.OUT1, FR.DCD, INT.DCD],
      [CR.OUT2, FR.RI, INT.RI],
    ];
    for (const [output, input, interrupt] of pairs) {
      put(OFFSET.CR, CR.LBE | output);
      expect(get(OFFSET.FR) & (FR.CTS | FR.DSR | FR.DCD | FR.RI)).toBe(input);
      expect(get(OFFSET.RIS) & interrupt).toBe(interrupt);
      put(OFFSET.CR, CR.LBE);
      put(OFFSET.ICR, 0x7ff);
    }
  });
});

describe("PL011 invariants", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("read" as const), offset: fc.integer({ min: 0, max: 0x12 }) }),
    fc.record({
      kind: fc.constant("write" as const),
      offset: fc.integer({ min: 0, max: 0x12 }),
      value: fc.integer({ min: 0, max: 0xffff }),
    }),
    fc.record({ kind: fc.constant("receive" as const), count: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ kind: fc.constant("wait" as const), ns: fc.integer({ min: 0, max: 1_000_000 }) }),
  );

  it("drives its line exactly while an unmasked interrupt is raised, and its state survives save and load", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const clock = new VirtualTime();
        const line = new Wire();
        const make = (interrupt: Wire) => new Pl011({ interrupt, scheduler: clock, transmit: () => {} });
        const device = make(line);
        for (const step of actions) {
          if (step.kind === "read") device.read(step.offset * 4, 4);
          else if (step.kind === "write") device.write(step.offset * 4, 4, BigInt(step.value));
          else if (step.kind === "receive") device.receive(new Uint8Array(step.count));
          else clock.advance(BigInt(step.ns));
          expect(line.level).toBe(device.read(OFFSET.MIS, 4) !== 0n);
          const flags = Number(device.read(OFFSET.FR, 4));
          expect(flags & FR.RXFE && flags & FR.RXFF).toBe(0);
        }
        const otherLine = new Wire();
        const other = make(otherLine);
        other.load(structuredClone(device.save()));
        expect(other.save()).toEqual(device.save());
        expect(otherLine.level).toBe(line.level);
        clock.advance(10_000_000n);
        expect(other.save()).toEqual(device.save());
        expect(otherLine.level).toBe(line.level);
      }),
    );
  });
});
