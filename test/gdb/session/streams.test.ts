import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PACKETS } from "../../../src/gdb/session/table.ts";
import { LOOP_ADDRESS } from "../support/assembler.ts";
import { frame, toText } from "../support/rsp.ts";
import { little, setUp } from "../support/setUp.ts";

describe("a slow target", () => {
  it("gets packets one after the other, in order", async () => {
    const { client } = setUp({ asynchronous: true });
    for (const packet of ["m40000000,4", "p20", "g", "qC", "vCont;s"]) client.raw(frame(packet));
    const replies: string[] = [];
    while (replies.length < 5) replies.push(...(await client.next()));
    expect(replies.map((reply) => reply.length)).toEqual([8, 16, 536, 6, expect.any(Number)]);
    expect(replies[4]).toMatch(/^T05/);
    expect(await client.wait("p20")).toEqual([little(LOOP_ADDRESS)]);
  });

  it("keeps no breakpoint of a client that has left before it was planted", async () => {
    const { client, machine } = setUp({ asynchronous: true });
    client.raw(frame("Z0,40000008,4"));
    await client.session.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(machine.log).toEqual(["insert software 0x40000008", "remove software 0x40000008"]);
    expect(machine.planted.size).toBe(0);
  });

  it("that is left in the middle of a packet is not called again", async () => {
    const { client, machine } = setUp({ asynchronous: true });
    client.raw(frame("g"));
    client.raw(frame("vCont;c"));
    await client.session.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(machine.log).toEqual([]);
    expect(client.faults).toEqual([]);
  });
});

describe("a stream of packets", () => {
  it("is answered in one write", () => {
    const { client } = setUp();
    const before = client.writes;
    client.raw(
      Uint8Array.from(["qC", "g", "m40000000,4", "vCont;s", "p20"].flatMap((packet) => [...frame(packet)])),
    );
    expect(client.writes).toBe(before + 1);
    expect(client.take()).toHaveLength(5);
  });

  it("waits when the client reads no replies", () => {
    const { client } = setUp();
    client.reads = false;
    const before = client.writes;
    for (let n = 0; n < 100; n++) client.raw(frame("m40000000,8000"));
    expect(client.writes).toBe(before + 1);
    client.reads = true;
    client.session.resume();
    expect(client.take()).toHaveLength(100);
  });

  it("is answered in pieces when the answer is long", () => {
    const { client } = setUp();
    client.reads = false;
    const packets = Array.from({ length: 100 }, () => [...frame("m40000000,8000")]).flat();
    client.raw(Uint8Array.from(packets));
    expect(client.take()).toHaveLength(1);
    expect(client.session.backlog).toBeGreaterThan(0);
  });

  it("with a packet beyond PacketSize gets an error for that one", () => {
    const { client } = setUp();
    expect(client.ask("m".repeat(0x20001))).toBe("E07");
    expect(client.ask("qC")).toBe("QCp1.1");
  });
});

describe("any packet", () => {
  it("gets exactly one reply, whatever it holds, and never throws", async () => {
    const names = [...PACKETS.keys()].filter(
      (name) => !["k", "R", "vRun", "D", "vKill", "vAttach"].includes(name),
    );
    const tail = fc.oneof(
      fc.string({ unit: fc.constantFrom(...":;,.=-+pXcsrtCSZzg0123456789abcdef"), maxLength: 30 }),
      fc.uint8Array({ maxLength: 30 }).map(toText),
    );
    // Packets that end the guest or the connection have tests of their own.
    const packet = fc
      .tuple(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 3 })), tail)
      .map((parts) => parts.join(""))
      .filter((text) => !/^[kRD]/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 8 }), async (packets) => {
        const { client, machine } = setUp({ cpus: 2, most: 3, history: true });
        for (const text of packets) {
          const replies = [...(await client.wait(text).catch(() => []))];
          // What runs on for ever has no reply until it is interrupted.
          if (replies.length === 0) {
            client.raw("\x03");
            replies.push(...(await client.next()));
          }
          expect(replies.filter((reply) => reply === "OK" || !reply.startsWith("O"))).toHaveLength(1);
        }
        expect(client.faults).toEqual([]);
        await client.session.close();
        machine.interrupt();
      }),
      { numRuns: 150 },
    );
  });

  it("survives any bytes on the wire", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
        const { client, machine } = setUp({ most: 3 });
        for (const chunk of chunks) client.raw(chunk);
        expect(client.faults).toEqual([]);
        expect(client.session.backlog).toBe(0);
        machine.interrupt();
      }),
    );
  });
});
