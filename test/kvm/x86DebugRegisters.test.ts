import { describe, expect, it } from "vitest";
import { guestDebugControl } from "../../src/kvm/guestDebug.ts";
import { armedRegisters, withoutRegisters } from "../../src/kvm/x86DebugRegisters.ts";

const control = guestDebugControl.ENABLE | guestDebugControl.USE_HW;
const addresses = [0x1000n, 0x2003n, 0x3007n, 0x4005n];

describe("DR7, taken apart (Intel SDM volume 3, 18.2.4)", () => {
  it("arms a register by its local or its global bit", () => {
    const local = armedRegisters({ control, arch: { addresses, dr7: 0x401n } });
    const global = armedRegisters({ control, arch: { addresses, dr7: 0x402n } });
    expect(local).toEqual([{ index: 0, kind: "execute", address: 0x1000n, length: 1 }]);
    expect(global).toEqual(local);
    expect(armedRegisters({ control, arch: { addresses, dr7: 0x400n } })).toEqual([]);
  });

  it("reads kinds and lengths, and ignores the address bits below the length", () => {
    // Register 1: write, 4 bytes; 2: access, 8 bytes; 3: I/O, 2 bytes.
    const dr7 = 0x4a8n | (0xdn << 20n) | (0xbn << 24n) | (0x6n << 28n);
    expect(armedRegisters({ control, arch: { addresses, dr7 } })).toEqual([
      { index: 1, kind: "write", address: 0x2000n, length: 4 },
      { index: 2, kind: "access", address: 0x3000n, length: 8 },
      { index: 3, kind: "io", address: 0x4004n, length: 2 },
    ]);
  });

  it("is nothing without USE_HW_BP", () => {
    const arch = { addresses, dr7: 0x4ffn };
    expect(armedRegisters({ control: guestDebugControl.ENABLE, arch })).toEqual([]);
  });

  it("loses exactly the registers that are taken out", () => {
    const arch = { addresses, dr7: 0x4aan };
    const [first, second] = armedRegisters({ control, arch });
    if (first === undefined || second === undefined) throw new Error("not armed");
    expect(withoutRegisters(0x4aan, [first, second])).toBe(0x4a0n);
  });
});
