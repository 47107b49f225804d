import { describe, expect, it } from "vitest";
import { COUNT_ADDRESS, STORE_ADDRESS } from "../support/assembler.ts";
import { hex, setUp } from "../support/setUp.ts";

describe("breakpoints", () => {
  it("stop, say which kind, and are passed on the way on", async () => {
    const { client, machine } = setUp();
    expect(client.ask("Z0,40000008,4")).toBe("OK");
    expect(client.ask("vCont;c")).toMatch(/^T05swbreak:;thread:p1\.1;/);
    expect(machine.cpus[0]?.pc).toBe(STORE_ADDRESS);
    expect(client.ask("vCont;c")).toMatch(/^T05swbreak/);
    expect(machine.cpus[0]?.x[0]).toBe(2n);
    expect(client.ask("z0,40000008,4")).toBe("OK");
    expect(client.ask("Z1,40000008,4")).toBe("OK");
    expect(client.ask("vCont;c")).toMatch(/^T05hwbreak/);
    expect(client.ask("z1,40000008,4")).toBe("OK");
    expect(await client.wait("vCont;c")).toEqual(["W07;process:1"]);
  });

  it("do not say which kind to a client that does not know", () => {
    const { client } = setUp({ features: "multiprocess+" });
    client.ask("Z0,40000008,4");
    expect(client.ask("vCont;c")).toMatch(/^T05thread/);
  });

  it("are still there after ?", () => {
    const { client, machine } = setUp();
    client.ask("Z0,40000008,4");
    client.ask("?");
    expect(machine.planted.size).toBe(1);
    expect(client.ask("vCont;c")).toMatch(/^T05swbreak/);
  });

  it("that cannot be are refused, with the reason", () => {
    const { client } = setUp();
    expect(client.ask("Z0,10,4")).toBe("E14");
    expect(client.ask("Z2,4000fffc,8")).toBe("E14");
    for (let at = 0; at < 4; at++) expect(client.ask(`Z2,4000200${at * 2},2`)).toBe("OK");
    expect(client.ask("Z2,40003000,2")).toBe("E28");
    expect(client.ask("Z9,40000000,4")).toBe("");
    expect(client.ask("Z0,40000000")).toBe("E22");
    expect(client.ask("z0,40000000,4")).toBe("OK");
  });

  it("planted twice are planted once", () => {
    const { client, machine } = setUp();
    client.ask("Z0,40000008,4");
    client.ask("Z0,40000008,4");
    client.ask("z0,40000008,4");
    expect(machine.planted.size).toBe(0);
  });

  it("watch writes, reads and both, and give the address inside of what is watched", () => {
    const { client, machine } = setUp();
    const count = hex(COUNT_ADDRESS + 4n);
    client.ask(`Z2,${count},2`);
    expect(client.ask("vCont;c")).toContain(`watch:${count};thread`);
    expect(machine.cpus[0]?.pc).toBe(STORE_ADDRESS);
    client.ask(`z2,${count},2`);
    client.ask(`Z3,${hex(COUNT_ADDRESS)},8`);
    expect(client.ask("vCont;c")).toContain(`T05rwatch:${hex(COUNT_ADDRESS)};`);
    client.ask(`z3,${hex(COUNT_ADDRESS)},8`);
    client.ask(`Z4,${hex(COUNT_ADDRESS)},8`);
    expect(client.ask("vCont;c")).toContain(`T05awatch:${hex(COUNT_ADDRESS)};`);
  });

  it("are counted by their condition in the target, without a packet", async () => {
    const { client, machine } = setUp();
    // reg 0; const16 500; equal; end
    expect(client.ask("Z0,40000008,4;X8,2600002301f41327")).toBe("OK");
    const before = client.writes;
    expect((await client.wait("vCont;c"))[0]).toMatch(/^T05swbreak/);
    expect(client.writes).toBe(before + 1);
    expect(machine.log.filter((line) => line.startsWith("hit"))).toHaveLength(500);
    expect(machine.cpus[0]?.x[0]).toBe(500n);
  });

  it("get a new condition by being planted again", () => {
    const { client, machine } = setUp();
    client.ask("Z0,40000008,4;X8,2600002301f41327");
    client.ask("Z0,40000008,4;X7,26000022051327");
    client.ask("vCont;c");
    expect(machine.cpus[0]?.x[0]).toBe(5n);
  });

  it("are removed when the client leaves, but for those whose commands are to stay", async () => {
    const { client, machine } = setUp();
    client.ask("Z0,40000004,4");
    client.ask(`Z2,${hex(COUNT_ADDRESS)},8`);
    client.ask("Z0,40000008,4;cmds:1,X1,27");
    await client.session.close();
    expect([...machine.planted.values()].map(({ address }) => address)).toEqual([STORE_ADDRESS]);
    expect(machine.status().kind).toBe("stopped");
  });
});
