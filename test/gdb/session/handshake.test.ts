import { describe, expect, it } from "vitest";
import { counterProgram } from "../support/assembler.ts";
import { frame, MemoryClient, toText } from "../support/rsp.ts";
import { fromHex, setUp, withoutCapabilities } from "../support/setUp.ts";
import { TinyMachine } from "../support/tinyMachine.ts";

describe("handshake", () => {
  it("acknowledges packets until told not to", () => {
    const client = new MemoryClient(new TinyMachine(counterProgram(1)));
    client.raw(frame("QStartNoAckMode"));
    expect(client.take()).toEqual(["+", "OK"]);
    client.raw(frame("?"));
    expect(client.take()).toHaveLength(1);
  });

  it("sends the last packet again when asked, and asks for a damaged one", () => {
    const client = new MemoryClient(new TinyMachine(counterProgram(1)));
    client.raw(frame("qAttached"));
    expect(client.take()).toEqual(["+", "1"]);
    client.raw("-");
    expect(client.take()).toEqual(["1"]);
    client.raw("$qAttached#00");
    expect(client.take()).toEqual(["-"]);
  });

  it("offers what the target can do, and nothing else", () => {
    const machine = new TinyMachine(counterProgram(1), { history: true });
    const all = MemoryClient.connect(machine).ask("qSupported:xmlRegisters=i386") ?? "";
    for (const feature of ["ConditionalBreakpoints+", "ReverseStep+", "qXfer:memory-map:read+"]) {
      expect(all.split(";")).toContain(feature);
    }
    expect(Number.parseInt(/PacketSize=([0-9a-f]+)/.exec(all)?.[1] ?? "", 16)).toBeGreaterThanOrEqual(
      0x10000,
    );
    const little = MemoryClient.connect(withoutCapabilities(machine)).ask("qSupported") ?? "";
    expect(little).not.toMatch(/Reverse|Conditional|memory-map/);
  });

  it("refuses non-stop mode", () => {
    const { client } = setUp();
    expect(client.ask("QNonStop:1")).toBe("E95");
    expect(client.ask("QNonStop:0")).toBe("OK");
  });

  it("answers what it does not know with an empty packet", () => {
    const { client } = setUp();
    for (const packet of [
      "vMustReplyEmpty",
      "qFoo",
      "zz",
      "~",
      "",
      "vFile:open:",
      "qTStatus",
      "QPassSignals:",
    ]) {
      expect([packet, client.ask(packet)]).toEqual([packet, packet === "zz" ? "E22" : ""]);
    }
  });

  it("tells errors in words to clients that take words", () => {
    const { client } = setUp();
    expect(client.ask("m0,4")).toBe("E14");
    client.ask("qSupported:error-message+");
    expect(client.ask("m0,4")).toBe("E.address 0x0 is not mapped");
    client.ask("QEnableErrorStrings");
    const [number, words] = (client.ask("m0,4") ?? "").split(";");
    expect(number).toBe("E14");
    expect(toText(fromHex(words))).toBe("address 0x0 is not mapped");
  });
});

describe("a target without capabilities", () => {
  it.each(["Z0,40000004,4", "z0,40000004,4", "qRcmd,68", "bc", "bs", "vRun;", "vKill;1", "qOffsets"])(
    "%s is unsupported",
    (packet) => {
      const client = MemoryClient.connect(withoutCapabilities(new TinyMachine(counterProgram(1))));
      expect(client.ask(packet)).toBe("");
    },
  );

  it.each([
    "Qqemu.PhyMemMode:1",
    "qqemu.PhyMemMode",
    "qqemu.sstepbits",
    "qMemoryRegionInfo",
    "qXfer:memory-map:read::0,10",
  ])("%s is unsupported", (packet) => {
    const client = MemoryClient.connect(withoutCapabilities(new TinyMachine(counterProgram(1))));
    expect(client.ask(packet)).toBe("");
  });

  it("is detached from, not ended, by k", async () => {
    const machine = new TinyMachine(counterProgram(1));
    const client = MemoryClient.connect(withoutCapabilities(machine));
    client.ask("k");
    await new Promise((resolve) => setImmediate(resolve));
    expect(client.hungUp).toBe(true);
    expect(machine.log).not.toContain("kill");
  });
});
