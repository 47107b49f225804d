import { describe, expect, it } from "vitest";
import { PacketPolling } from "../../src/gdb/packetPolling.ts";

/** A process with a clock of its own. */
class FakeProcess {
  time = 1000;
  #waiting: (() => void) | undefined;
  readonly polling = new PacketPolling({
    now: () => this.time,
    immediate: (callback) => {
      this.#waiting = callback;
    },
  });

  get isAwake(): boolean {
    return this.#waiting !== undefined;
  }

  /** A packet `after` milliseconds; the loop turns every hundredth of one while it is awake. */
  packet(after: number): void {
    for (const end = this.time + after; this.time < end; this.time += 0.01) {
      const callback = this.#waiting;
      this.#waiting = undefined;
      callback?.();
    }
    this.polling.packetCame();
  }
}

describe("polling for packets", () => {
  it("does not begin with a packet on its own", () => {
    const process = new FakeProcess();
    process.packet(5);
    expect(process.isAwake).toBe(false);
    process.packet(5);
    expect(process.isAwake).toBe(false);
  });

  it("keeps the process awake while packets follow each other", () => {
    const process = new FakeProcess();
    process.packet(5);
    for (let n = 0; n < 1000; n++) {
      process.packet(0.1);
      expect(process.isAwake).toBe(true);
    }
  });

  it("ends soon after the last packet", () => {
    const process = new FakeProcess();
    process.packet(5);
    process.packet(0.1);
    process.packet(5);
    expect(process.isAwake).toBe(false);
  });

  it("is tried rarely with a client that answers too late", () => {
    const process = new FakeProcess();
    process.packet(5);
    let polled = 0;
    for (let n = 0; n < 1000; n++) {
      process.packet(0.5);
      if (process.isAwake) polled++;
    }
    expect(polled).toBeGreaterThan(10);
    expect(polled).toBeLessThan(30);
  });

  it("is tried at every packet again once the client is quick", () => {
    const process = new FakeProcess();
    process.packet(5);
    for (let n = 0; n < 1000; n++) process.packet(0.5);
    for (let n = 0; n < 100; n++) process.packet(0.1);
    expect(process.isAwake).toBe(true);
    process.packet(0.5);
    for (let n = 0; n < 3; n++) process.packet(0.1);
    expect(process.isAwake).toBe(true);
  });
});
