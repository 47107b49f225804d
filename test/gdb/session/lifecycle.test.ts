import { describe, expect, it } from "vitest";
import { little, setUp } from "../support/setUp.ts";

describe("the guest's life", () => {
  it("goes on by itself after D", async () => {
    const { client, machine } = setUp({ most: 0 });
    client.ask("Z0,40000008,4");
    expect(await client.wait("D;1")).toEqual(["OK"]);
    expect(machine.planted.size).toBe(0);
    expect(machine.status().kind).toBe("running");
    expect(client.ask("?")).toBe("W00");
    expect(client.ask("qfThreadInfo")).toBe("l");
    expect(client.ask("g")).toBe("E03");
    expect((await client.wait("vAttach;1"))[0]).toMatch(/^T02/);
    expect(await client.wait("D;2")).toEqual(["E03"]);
  });

  it("ends by k, which has no reply", async () => {
    const { client, machine } = setUp();
    expect(client.ask("k")).toBeUndefined();
    await new Promise((resolve) => setImmediate(resolve));
    expect(machine.log).toEqual(["kill"]);
    expect(client.hungUp).toBe(true);
  });

  it("ends by vKill and begins anew by vRun and R", async () => {
    const { client, machine } = setUp();
    client.ask("!");
    client.ask("vCont;s");
    expect(await client.wait("vKill;1")).toEqual(["OK"]);
    expect((await client.wait("vRun;;6e6f7761"))[0]).toMatch(/^T05thread:p1\.1;.*20:0000004000000000;/);
    expect(machine.log).toContain("restart  nowa");
    client.ask("vCont;s");
    expect(await client.wait("R00").catch(() => [])).toEqual([]);
    expect(client.ask("?")).toContain(`20:${little(0x4000_0000n)}`);
  }, 20_000);
});
