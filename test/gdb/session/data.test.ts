import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBytes, toText } from "../support/rsp.ts";
import { hex, little, setUp } from "../support/setUp.ts";

describe("registers", () => {
  it("g has the core registers in gdb's layout", () => {
    const { client, machine } = setUp();
    const cpu = machine.cpus[0];
    cpu?.x.set([0x1122334455667788n], 3);
    const reply = client.ask("g") ?? "";
    expect(reply).toHaveLength((33 * 8 + 4) * 2);
    expect(reply.slice(3 * 16, 4 * 16)).toBe("8877665544332211");
    expect(reply.slice(32 * 16, 33 * 16)).toBe(little(0x4000_0000n));
  });

  it("G writes them, and leaves those given as x", async () => {
    const { client, machine } = setUp();
    const digits = client.ask("g") ?? "";
    const changed = `${little(5n)}${"x".repeat(16)}${digits.slice(32)}`;
    machine.cpus[0]?.x.set([9n], 1);
    expect(await client.wait(`G${changed}`)).toEqual(["OK"]);
    expect(client.ask("p0")).toBe(little(5n));
    expect(client.ask("p1")).toBe(little(9n));
    expect(await client.wait("G00")).toEqual(["E22"]);
  });

  it("G changes nothing when any digit is wrong", async () => {
    const { client } = setUp();
    const digits = client.ask("g") ?? "";
    expect(await client.wait(`G${little(5n)}${digits.slice(16, -1)}z`)).toEqual(["E22"]);
    expect(client.ask("p0")).toBe(little(0n));
  });

  it("P writes one; a wrong number or size is refused", () => {
    const { client } = setUp();
    expect(client.ask(`P2=${little(77n)}`)).toBe("OK");
    expect(client.ask("p2")).toBe(little(77n));
    expect(client.ask("P2=00")).toBe("E22");
    expect(client.ask("p1000")).toBe("E22");
    expect(client.ask(`P22=${"ab".repeat(16)}`)).toBe("OK");
    expect(client.ask("p22")).toBe("ab".repeat(16));
  });

  it("are those of the thread that Hg or LLDB's suffix names", () => {
    const { client } = setUp({ cpus: 2 });
    expect(client.ask("p20")).toBe(little(0x4000_0000n));
    expect(client.ask("p20;thread:0002;")).toBe(little(0x4000_0100n));
    expect(client.ask("Hgp1.2")).toBe("OK");
    expect(client.ask("p20")).toBe(little(0x4000_0100n));
    expect(client.ask("p20;thread:9;")).toBe("E03");
    expect(client.ask("Hgp1.3")).toBe("E03");
    expect(client.ask("Hgp2.1")).toBe("E03");
    expect(client.ask("Hx1")).toBe("E22");
  });
});

describe("memory", () => {
  it("is read as far as it is mapped", () => {
    const { client, machine } = setUp();
    machine.ram.set([1, 2, 3, 4], 0xfffc);
    expect(client.ask("m4000fffc,100")).toBe("01020304");
    expect(client.ask("m40010000,1")).toBe("E14");
    expect(client.ask("mffffffffffffffff,10")).toBe("E14");
  });

  it("is written by M and X with any bytes, and by neither beyond what is mapped", () => {
    const { client, machine } = setUp();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
        const size = hex(bytes.length);
        expect(client.ask(Uint8Array.from([...toBytes(`X40003000,${size}:`), ...bytes]))).toBe("OK");
        expect(machine.ram.slice(0x3000, 0x3000 + bytes.length)).toEqual(bytes);
        const digits = Array.from(bytes, (byte) => hex(byte).padStart(2, "0")).join("");
        expect(client.ask(`M40004000,${size}:${digits}`)).toBe("OK");
        expect(client.ask(`m40004000,${size}`)).toBe(digits);
        expect(client.ask(`x40004000,${size}`)).toBe(`b${toText(bytes)}`);
      }),
    );
    expect(client.ask("X0,1:a")).toBe("E14");
    expect(client.ask("X0,0:")).toBe("OK");
    expect(client.ask("M4000ffff,2:0000")).toBe("E14");
  });

  it("comes without a b for an LLDB that asked with x0,0", () => {
    const { client } = setUp();
    expect(client.ask("x40000000,4")).toMatch(/^b.{4}$/s);
    expect(client.ask("x0,0")).toBe("OK");
    expect(client.ask("x40000000,4")).toHaveLength(4);
  });

  it("moves 64 KiB in one packet", () => {
    const { client } = setUp();
    expect(client.ask("m40000000,10000")).toHaveLength(0x20000);
    const image = new Uint8Array(0x10000).fill(0x7d);
    expect(client.ask(Uint8Array.from([...toBytes("X40000000,10000:"), ...image]))).toBe("OK");
    expect(client.ask("m4000fffe,2")).toBe("7d7d");
  });

  it("is guest-physical while Qqemu.PhyMemMode is 1", () => {
    const { client } = setUp();
    expect(client.ask("m80000000,4")).toBe("E14");
    expect(client.ask("Qqemu.PhyMemMode:1")).toBe("OK");
    expect(client.ask("qqemu.PhyMemMode")).toBe("1");
    expect(client.ask("m80000000,4")).toBe("0100a8d2");
    expect(client.ask("M80000000,1:ff")).toBe("OK");
    expect(client.ask("m40000000,4")).toBe("E14");
    expect(client.ask("Qqemu.PhyMemMode:0")).toBe("OK");
    expect(client.ask("m40000000,4")).toBe("ff00a8d2");
    expect(client.ask("Qqemu.PhyMemMode:2")).toBe("E22");
  });
});
