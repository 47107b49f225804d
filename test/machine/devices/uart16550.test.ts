import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Uart16550 } from "../../../src/machine/devices/uart16550.ts";

const port = { data: 0, ier: 1, iir: 2, fcr: 2, lcr: 3, mcr: 4, lsr: 5, msr: 6, scratch: 7 } as const;

let sent: number[];
let level: boolean;
let room: number;
let uart: Uart16550;

beforeEach(() => {
  sent = [];
  level = false;
  room = 0;
  uart = new Uart16550({
    interrupt: {
      set: (now) => {
        level = now;
      },
    },
    transmit: (byte) => sent.push(byte),
    onReceiveRoom: () => room++,
  });
});

const read = (offset: number): number => uart.readPort(offset, 1);
const write = (offset: number, value: number): void => uart.writePort(offset, 1, value);

describe("a 16550A", () => {
  it("sends what is written, and is ready at once", () => {
    for (const byte of [0x68, 0x69]) write(port.data, byte);
    expect(sent).toEqual([0x68, 0x69]);
    expect(read(port.lsr) & 0x60).toBe(0x60);
  });

  it("has the divisor where DLAB says so, and sends nothing then", () => {
    write(port.lcr, 0x83);
    write(port.data, 0x0c);
    write(port.ier, 0x01);
    expect([read(port.data), read(port.ier)]).toEqual([0x0c, 0x01]);
    write(port.lcr, 0x03);
    expect([sent, read(port.ier)]).toEqual([[], 0]);
  });

  it("gives what it receives in order, and says when there is more", () => {
    expect(uart.receive(Uint8Array.of(1, 2))).toBe(2);
    expect(read(port.lsr) & 1).toBe(1);
    expect([read(port.data), read(port.data)]).toEqual([1, 2]);
    expect(read(port.lsr) & 1).toBe(0);
  });

  it("interrupts for input only when OUT2 and IER say so", () => {
    uart.receive(Uint8Array.of(1));
    write(port.ier, 1);
    expect(level).toBe(false);
    write(port.mcr, 8);
    expect(level).toBe(true);
    expect(read(port.iir) & 0xf).toBe(4);
    read(port.data);
    expect([level, read(port.iir) & 0xf]).toEqual([false, 1]);
  });

  it("tells by a time-out what is below the trigger level of the FIFO", () => {
    write(port.fcr, 0xc1);
    write(port.ier, 1);
    uart.receive(Uint8Array.of(1));
    expect(read(port.iir)).toBe(0xcc);
    uart.receive(new Uint8Array(13));
    expect(read(port.iir)).toBe(0xc4);
  });

  it("interrupts when the transmitter becomes empty, and reading IIR resets that", () => {
    write(port.mcr, 8);
    write(port.ier, 2);
    expect(level).toBe(true);
    expect(read(port.iir) & 0xf).toBe(2);
    expect([level, read(port.iir) & 0xf]).toEqual([false, 1]);
    write(port.data, 0x41);
    expect(level).toBe(true);
  });

  it("hears itself in loop-back, and shows its modem outputs as inputs", () => {
    write(port.mcr, 0x1a);
    expect(read(port.msr) & 0xf0).toBe(0x90);
    write(port.data, 0x55);
    expect([sent, read(port.data)]).toEqual([[], 0x55]);
  });

  it("tells a break once, with a byte of zero", () => {
    expect(uart.receiveBreak()).toBe(true);
    expect(read(port.lsr) & 0x11).toBe(0x11);
    expect(read(port.lsr) & 0x10).toBe(0);
    expect(read(port.data)).toBe(0);
  });

  it("takes no more than its backlog, and says when there is room again", () => {
    expect(uart.receive(new Uint8Array(10_000))).toBeLessThan(10_000);
    // One character has gone on into the receiver.
    expect(uart.receive(new Uint8Array(10_000))).toBe(1);
    expect(uart.receiveRoom).toBe(0);
    const before = room;
    read(port.data);
    expect(room).toBe(before + 1);
    expect(uart.receiveRoom).toBe(1);
  });

  it("remembers everything over save and load", () => {
    write(port.mcr, 8);
    write(port.ier, 1);
    write(port.fcr, 1);
    uart.receive(Uint8Array.of(7, 8));
    const state = uart.save();
    uart.reset();
    expect(level).toBe(false);
    uart.load(state);
    expect([level, read(port.data), read(port.data)]).toEqual([true, 7, 8]);
  });

  it("loses and invents nothing whatever is received in whatever portions", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.nat(30))),
        fc.boolean(),
        (events, fifo) => {
          const subject = new Uart16550({ interrupt: { set: () => {} }, transmit: () => {} });
          subject.writePort(port.fcr, 1, fifo ? 1 : 0);
          const [given, taken]: [number[], number[]] = [[], []];
          for (const event of events) {
            if (typeof event === "number") {
              for (let i = 0; i < event && (subject.readPort(port.lsr, 1) & 1) !== 0; i++)
                taken.push(subject.readPort(port.data, 1));
            } else given.push(...event.subarray(0, subject.receive(event)));
          }
          expect(taken).toEqual(given.slice(0, taken.length));
        },
      ),
    );
  });
});
