import { describe, expect, it } from "vitest";
import { DebuggerTarget } from "../../../src/gdb/debuggerTarget/target.ts";
import { a64, bytesOf, CODE, debugCode, sysreg } from "../../debugger/support/code.ts";
import { MemoryClient } from "../support/rsp.ts";

const VECTORS = CODE + 0x800n;
const handler = [
  a64.add(9, 9, 1),
  a64.mrs(2, sysreg.ELR_EL1),
  a64.add(2, 2, 4),
  a64.msr(sysreg.ELR_EL1, 2),
  a64.eret,
];

function guest(words: readonly number[]) {
  const made = debugCode(words);
  made.vcpu.setRegister("VBAR_EL1", VECTORS);
  made.machine.vm.writeMemory(VECTORS + 0x200n, bytesOf(handler));
  const client = MemoryClient.connect(new DebuggerTarget(made.session), "swbreak+;hwbreak+");
  const ask = async (packet: string): Promise<string> => (await client.wait(packet)).at(-1) ?? "";
  return { ...made, ask };
}

describe("S1.7: the protocol, with a breakpoint of the client's on the guest's own BRK", () => {
  it.each([
    ["unseen", "Z0", "swbreak:;"],
    ["patched", "Z0", "swbreak:;"],
    ["hardware", "Z1", "hwbreak:;"],
  ])(
    "%s: the client's is first; continue delivers the guest's once; removed, the guest's works",
    async (kind, packet, why) => {
      const { vcpu, session, ask } = guest([a64.brk(1), a64.b(-1)]);
      if (kind !== "hardware") {
        const line = [...`breakpoints ${kind}`].map((c) => c.charCodeAt(0).toString(16)).join("");
        expect(await ask(`qRcmd,${line}`)).toBe("OK");
      }
      expect(await ask(`${packet},40000000,4`)).toBe("OK");
      for (let n = 0n; n < 3n; n++) {
        expect(await ask("vCont;c")).toContain(why);
        expect([vcpu.pc, vcpu.register("x9")]).toEqual([CODE, n]);
      }
      // A step of the BRK enters the guest's handler.
      expect(await ask("vCont;s:1")).toMatch(/^T05/);
      expect([vcpu.pc, vcpu.register("ELR_EL1")]).toEqual([VECTORS + 0x200n, CODE]);
      expect(await ask(`${packet.toLowerCase()},40000000,4`)).toBe("OK");
      expect(await ask("Z0,40000004,4")).toBe("OK");
      for (let n = 3n; n < 6n; n++) {
        await ask("vCont;c");
        expect([vcpu.pc, vcpu.register("x9")]).toEqual([CODE + 4n, n]);
      }
      expect(session.breakpoints.breakpoints).toHaveLength(1);
    },
  );
});

describe("a client's breakpoints", () => {
  it("keep their number and history when they are taken out and put in again", async () => {
    const { session, ask } = guest([a64.add(0, 0, 1), a64.b(-1)]);
    for (let n = 0; n < 4; n++) {
      await ask("Z0,40000004,4");
      expect(await ask("vCont;c")).toContain("swbreak:;");
      await ask("z0,40000004,4");
    }
    expect(session.breakpoints.breakpoints).toEqual([]);
    expect(session.breakpoints.removed).toMatchObject([{ number: 1, history: { hits: 4 } }]);
    // Another condition makes another breakpoint: const8 1, end.
    await ask("Z0,40000004,4;X3,220127");
    expect(session.breakpoints.breakpoints).toMatchObject([{ number: 2, history: { hits: 0 } }]);
  });
});
