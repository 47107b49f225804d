import { beforeEach, describe, expect, it } from "vitest";
import { Pl031 } from "../../../src/machine/devices/pl031.ts";
import { VirtualTime, Wire } from "../virtualTime.ts";

const SECOND = 1_000_000_000n;
const [DR, MR, LR, CR, IMSC, RIS, MIS, ICR] = [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c] as const;

let time: VirtualTime;
let wire: Wire;
let rtc: Pl031;

beforeEach(() => {
  time = new VirtualTime();
  wire = new Wire();
  rtc = new Pl031({ interrupt: wire, scheduler: time, epochSeconds: 1_700_000_000n });
});

const get = (offset: number) => Number(rtc.read(offset, 4));
const put = (offset: number, value: number) => rtc.write(offset, 4, BigInt(value));

describe("PL031", () => {
  it("counts seconds of virtual time from its epoch and is always started", () => {
    expect(get(DR)).toBe(1_700_000_000);
    time.advance(SECOND - 1n);
    expect(get(DR)).toBe(1_700_000_000);
    time.advance(1n);
    expect(get(DR)).toBe(1_700_000_001);
    put(CR, 0);
    expect(get(CR)).toBe(1);
  });

  it("goes on from the value written to RTCLR and wraps after 32 bits", () => {
    put(LR, 0xffff_ffff);
    expect(get(LR)).toBe(0xffff_ffff);
    time.advance(SECOND);
    expect(get(DR)).toBe(0);
  });

  it("interrupts when the counter becomes the match value, until cleared, if unmasked", () => {
    put(MR, 1_700_000_010);
    time.advance(9n * SECOND);
    expect(get(RIS)).toBe(0);
    time.advance(SECOND);
    expect([get(RIS), get(MIS), wire.level]).toEqual([1, 0, false]);
    put(IMSC, 1);
    expect([get(MIS), wire.level]).toEqual([1, true]);
    put(ICR, 1);
    expect([get(RIS), wire.level]).toEqual([0, false]);
  });

  it("interrupts at once when the match value is set to the present", () => {
    put(IMSC, 1);
    put(MR, 1_700_000_000);
    expect(wire.level).toBe(true);
  });

  it("matches again when the counter comes round, and notices matches nobody waited for", () => {
    put(LR, 10);
    put(MR, 11);
    time.advance((1n << 33n) * SECOND);
    expect(get(RIS)).toBe(1);
    put(ICR, 1);
    time.advance(((1n << 32n) - 10n) * SECOND);
    expect([get(DR), get(RIS)]).toEqual([0, 1]);
  });

  it("waits in virtual time only for an interrupt that can come", () => {
    expect(time.waiting).toBe(0);
    put(MR, 1_700_000_010);
    expect(time.waiting).toBe(0);
    put(IMSC, 1);
    expect(time.waiting).toBe(1);
    time.advance(10n * SECOND);
    expect([wire.level, time.waiting]).toEqual([true, 0]);
    put(IMSC, 0);
    put(ICR, 1);
    expect([wire.level, time.waiting]).toEqual([false, 0]);
  });

  it("keeps counting over a reset, which silences it", () => {
    put(IMSC, 1);
    put(MR, 1_700_000_005);
    time.advance(5n * SECOND);
    rtc.reset();
    expect([get(DR), get(MR), get(RIS), wire.level, time.waiting]).toEqual([1_700_000_005, 0, 0, false, 0]);
  });

  it("identifies itself", () => {
    const ids = [0xfe0, 0xfe4, 0xfe8, 0xfec, 0xff0, 0xff4, 0xff8, 0xffc];
    expect(ids.map(get)).toEqual([0x31, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it("goes on from a saved state, alarm included", () => {
    put(IMSC, 1);
    put(LR, 100);
    put(MR, 105);
    time.advance(2n * SECOND);
    const otherWire = new Wire();
    const other = new Pl031({ interrupt: otherWire, scheduler: time, epochSeconds: 0n });
    other.load(structuredClone(rtc.save()));
    expect(Number(other.read(DR, 4))).toBe(102);
    time.advance(3n * SECOND);
    expect([wire.level, otherWire.level]).toEqual([true, true]);
  });
});
