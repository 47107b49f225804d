import { describe, expect, it } from "vitest";
import { counterProgram, LOOP_ADDRESS, OFF_ADDRESS, STORE_ADDRESS } from "../support/assembler.ts";
import { frame, MemoryClient } from "../support/rsp.ts";
import { hex, little, setUp } from "../support/setUp.ts";
import { TinyMachine } from "../support/tinyMachine.ts";

describe("running", () => {
  it("steps one instruction and says where it is", () => {
    const { client } = setUp();
    const reply = client.ask("vCont;s:p1.1") ?? "";
    expect(reply).toMatch(/^T05thread:p1\.1;/);
    expect(reply).toContain(`20:${little(LOOP_ADDRESS)};`);
    expect(reply).toContain("1f:");
  });

  it("steps as long as PC is in a range, and at least once", async () => {
    const { client, machine } = setUp();
    expect(client.ask(`vCont;r${hex(LOOP_ADDRESS)},${hex(STORE_ADDRESS)}:1`)).toMatch(/^T05/);
    expect(machine.cpus[0]?.pc).toBe(STORE_ADDRESS);
    client.ask("vCont;r0,0:1");
    expect(machine.cpus[0]?.pc).toBe(STORE_ADDRESS + 4n);
    await client.wait(`vCont;r${hex(LOOP_ADDRESS)},${hex(OFF_ADDRESS)}:1`);
    expect(machine.cpus[0]?.pc).toBe(OFF_ADDRESS);
    expect(machine.cpus[0]?.x[0]).toBe(1000n);
  });

  it("takes the leftmost action for each thread, and leaves threads without one alone", () => {
    const { client, machine } = setUp({ cpus: 3 });
    client.ask("vCont;s:p1.2;s:p1.-1;c");
    client.ask("vCont;s:p1.3");
    client.ask("vCont;s:p1.1;t");
    client.ask("vCont;S05:p1.1");
    expect(machine.log).toEqual([
      "resume 1:step 2:step 3:step",
      "resume 1:stop 2:stop 3:step",
      "resume 1:step 2:stop 3:stop",
      "resume 1:step(5) 2:stop 3:stop",
    ]);
    expect(client.ask("vCont;t")).toBe("E22");
    expect(client.ask("vCont;c:p1.9")).toBe("E03");
    expect(client.ask("vCont;c:p2.1")).toBe("E22");
    expect(client.ask("vCont?")).toBe("vCont;c;C;s;S;t;r");
  });

  it("takes the old c, C, s and S, with an address too", () => {
    const { client, machine } = setUp({ cpus: 2 });
    client.ask("s");
    client.ask("Hc2");
    client.ask("s");
    client.ask("S05;40000104");
    expect(machine.log).toEqual([
      "resume 1:step 2:continue",
      "resume 1:stop 2:step",
      "resume 1:stop 2:step(5)",
    ]);
    expect(machine.cpus[1]?.pc).toBe(0x4000_0108n);
    expect(client.ask("C")).toBe("E22");
  });

  it("answers a power-off with the status, and then nothing that needs a guest", async () => {
    const { client } = setUp({ most: 2 });
    expect(await client.wait("vCont;c")).toEqual(["W07;process:1"]);
    expect(client.ask("?")).toBe("W07;process:1");
    expect(client.ask("g")).toBe("E03");
    expect(client.ask("vCont;c")).toBe("E03");
  });

  it("stops on Ctrl-C, and only while the guest runs", async () => {
    const { client } = setUp({ most: 0 });
    client.raw("\x03");
    expect(client.take()).toEqual([]);
    expect(client.ask("vCont;c")).toBeUndefined();
    client.raw("\x03");
    expect((await client.next())[0]).toMatch(/^T02thread:p1\.1;/);
    expect(client.ask("vCont;c")).toBeUndefined();
    client.raw("\x03");
    expect((await client.next())[0]).toMatch(/^T02/);
  });

  it("refuses everything that needs a stopped guest while it runs", async () => {
    const { client } = setUp({ most: 0 });
    client.ask("vCont;c");
    for (const packet of ["g", "m0,1", "Z0,40000004,4", "vCont;s"]) expect(client.ask(packet)).toBe("E16");
    expect(client.ask("vCtrlC")).toBe("OK");
    expect((await client.next())[0]).toMatch(/^T02/);
  });

  it("reports the guest's own faults by signal", () => {
    const { client } = setUp();
    client.ask("M40000000,4:00002000");
    expect(client.ask("vCont;s")).toMatch(/^T04/);
    client.ask(`P20=${little(0x10n)}`);
    expect(client.ask("vCont;c")).toMatch(/^T0b/);
    client.ask(`P20=${little(0x4000_0000n)}`);
    client.ask("M40000000,4:000020d4");
    expect(client.ask("vCont;c")).toMatch(/^T05thread/);
  });

  it("finds a guest that runs, stops it, and only then answers", async () => {
    const machine = new TinyMachine(counterProgram(0));
    machine.resume([{ thread: 1, action: { kind: "continue", signal: 0 } }]);
    const client = MemoryClient.connect(machine);
    client.raw(frame("?"));
    expect(client.take()).toEqual([]);
    expect((await client.next()).at(-1)).toMatch(/^T02/);
    expect(client.ask("g")).toHaveLength(536);
  });
});

describe("reverse execution", () => {
  it("steps and continues backwards to breakpoints and to the beginning", () => {
    const { client, machine } = setUp({ history: true });
    client.ask("Z0,40000008,4");
    for (let hit = 1; hit <= 3; hit++) client.ask("vCont;c");
    expect(machine.cpus[0]?.x[0]).toBe(3n);
    expect(client.ask("bs")).toMatch(/^T05thread/);
    expect(client.ask("bc")).toMatch(/^T05swbreak/);
    expect(machine.cpus[0]?.x[0]).toBe(2n);
    client.ask("z0,40000008,4");
    expect(client.ask("bc")).toMatch(/^T05replaylog:begin;thread/);
    expect(machine.cpus[0]?.pc).toBe(0x4000_0000n);
  });
});
