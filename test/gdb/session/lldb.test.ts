import { describe, expect, it } from "vitest";
import { STORE_ADDRESS } from "../support/assembler.ts";
import { toText } from "../support/rsp.ts";
import { fromHex, hex, little, setUp } from "../support/setUp.ts";

describe("LLDB's packets", () => {
  const pairs = (text = "") => Object.fromEntries(text.split(";").map((pair) => pair.split(":")));
  const text = (digits = "") => toText(fromHex(digits));

  it("tell the host and the process", () => {
    const { client } = setUp();
    const host = pairs(client.ask("qHostInfo"));
    expect(text(host["triple"])).toBe("aarch64-unknown-none");
    expect(host).toMatchObject({ endian: "little", ptrsize: "8", watchpoint_exceptions_received: "before" });
    expect(pairs(client.ask("qProcessInfo"))).toMatchObject({ pid: "1", ptrsize: "8" });
  });

  it("list registers one by one", () => {
    const { client } = setUp();
    const names: string[] = [];
    for (let index = 0; ; index++) {
      const reply = client.ask(`qRegisterInfo${hex(index)}`) ?? "";
      if (reply.startsWith("E")) break;
      names.push(pairs(reply)["name"] ?? "");
    }
    expect(names).toHaveLength(71);
    expect(names.slice(29, 35)).toEqual(["x29", "x30", "sp", "pc", "cpsr", "v0"]);
    expect(pairs(client.ask("qRegisterInfo20"))).toMatchObject({
      generic: "pc",
      offset: "256",
      bitsize: "64",
    });
  });

  it("list threads with their stops and registers", async () => {
    const { client } = setUp({ cpus: 2 });
    client.ask("QThreadSuffixSupported");
    client.ask("QListThreadsInStopReply");
    client.ask("Z0,40000008,4");
    const [stop] = await client.wait("vCont;c:p1.1");
    expect(stop).toContain("reason:breakpoint;");
    expect(stop).toContain("threads:p1.1,p1.2;thread-pcs:40000008,40000100;");
    const [json] = await client.wait("jThreadsInfo");
    expect(JSON.parse(json ?? "")).toMatchObject([
      { tid: 1, name: "cpu0", reason: "breakpoint", signal: 5, registers: { "32": little(STORE_ADDRESS) } },
      { tid: 2, name: "cpu1" },
    ]);
    expect((await client.wait("qThreadStopInfo2"))[0]).toMatch(/^T00thread:p1\.2;/);
    expect((await client.wait("qThreadStopInfo1"))[0]).toMatch(/^T05swbreak:;reason:breakpoint;/);
  });

  it("describe memory", () => {
    const { client } = setUp();
    expect(client.ask("qMemoryRegionInfo")).toBe("OK");
    expect(pairs(client.ask("qMemoryRegionInfo:40000010"))).toMatchObject({
      start: "40000000",
      size: "10000",
      permissions: "rwx",
    });
    expect(pairs(client.ask("qMemoryRegionInfo:0"))["permissions"]).toBeUndefined();
    expect(client.ask("qWatchpointSupportInfo:")).toBe("num:4;");
  });
});
