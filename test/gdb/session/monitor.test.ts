import { describe, expect, it } from "vitest";
import { toBytes } from "../support/rsp.ts";
import { fromHex, hex, setUp } from "../support/setUp.ts";

describe("monitor commands", () => {
  const encode = (line: string) =>
    `qRcmd,${Array.from(toBytes(line), (byte) => hex(byte).padStart(2, "0")).join("")}`;
  const decode = (packet: string | undefined) => new TextDecoder().decode(fromHex(packet?.slice(1)));

  it("stream what they print", async () => {
    const { client } = setUp();
    const replies = await client.wait(encode("slow"));
    expect(replies.at(-1)).toBe("OK");
    expect(replies.slice(0, -1).map(decode)).toEqual(["first\n", "sécond\n"]);
  });

  it("that fail say why, in words and by number", async () => {
    const { client } = setUp();
    const replies = await client.wait(encode("nope"));
    expect(decode(replies[0])).toBe('there is no command "nope"\n');
    expect(client.ask("qSupported:error-message+")).toBeDefined();
    expect(client.ask(encode("nope"))).toBe('E.there is no command "nope"');
    expect(client.ask("qRcmd,6")).toMatch(/^E\./);
  });

  it("end at Ctrl-C, and when the client leaves", async () => {
    const { client, machine } = setUp();
    expect(client.ask(encode("wait"))).toBeUndefined();
    client.raw("\x03");
    expect((await client.next()).length).toBeGreaterThan(0);
    expect(machine.log).toEqual(["aborted"]);
    client.ask(encode("wait"));
    await client.session.close();
    expect(machine.log).toEqual(["aborted", "aborted"]);
  });

  it("that throw are an error reply for the client and a fault for the server", () => {
    const { client } = setUp();
    expect(client.ask(encode("throw"))).toBe("E05");
    expect(client.faults).toHaveLength(1);
    expect(client.ask("qC")).toBe("QCp1.1");
  });
});

describe("QEMU's packets", () => {
  it("list and set what is held back while stepping", () => {
    const { client } = setUp();
    expect(client.ask("qqemu.Supported")).toBe("sstepbits;sstep;PhyMemMode");
    expect(client.ask("qqemu.sstepbits")).toBe("ENABLE=1,NOIRQ=2,NOTIMER=4");
    expect(client.ask("qqemu.sstep")).toBe("0x7");
    expect(client.ask("Qqemu.sstep=5")).toBe("OK");
    expect(client.ask("qqemu.sstep")).toBe("0x5");
    expect(client.ask("Qqemu.sstep=ff")).toBe("E22");
  });
});
