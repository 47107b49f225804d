import { afterAll, describe, expect, it } from "vitest";
import { requireTool } from "../support/tools.ts";
import { UnicornArm64 } from "./unicorn.ts";

const unicorn = requireTool("libunicorn");

const ADD_X0_X1_X2 = 0x8b02_0020;
const SUBS_X0_X1_X2 = 0xeb02_0020;
const LDR_X0_X1 = 0xf940_0020;
const STR_X0_X1 = 0xf900_0020;
const B_SELF = 0x1400_0000;
const BR_X1 = 0xd61f_0020;
const SVC_0 = 0xd400_0001;
const BRK_0 = 0xd420_0000;
const UDF = 0x0000_0000;
const LDXR_X0_X1 = 0xc85f_7c20;
const STXR_W3_X0_X1 = 0xc803_7c20;
const LDADDAL_X2_X0_X1 = 0xf8e2_0020;
const FADD_D0_D1_D2 = 0x1e62_2820;
const FDIV_D0_D1_D2 = 0x1e62_1820;
const WFI = 0xd503_207f;

describe.skipIf(!unicorn.available)("the Unicorn oracle", () => {
  const cpu = unicorn.available ? new UnicornArm64() : (undefined as never);
  const { registers } = unicorn.available ? cpu : (undefined as never);
  afterAll(() => cpu?.close());

  it("runs one instruction on the given registers", () => {
    registers.x[1] = 5n;
    registers.x[2] = 0xffff_ffff_ffff_ffffn;
    expect(cpu.run([ADD_X0_X1_X2])).toEqual({ kind: "ok", pc: 0x40_0004n, executed: 1 });
    expect(registers.x[0]).toBe(4n);
  });

  it("sets and reads the flags, SP, FPCR, FPSR and all vector registers", () => {
    registers.clear();
    registers.x[1] = 1n;
    registers.x[2] = 2n;
    registers.sp = 0x1000_0ff0n;
    cpu.run([SUBS_X0_X1_X2]);
    expect(registers.nzcv).toBe(0x8000_0000);
    expect(registers.sp).toBe(0x1000_0ff0n);
    registers.nzcv = 0x6000_0000;
    for (let n = 0; n < 64; n++) registers.v[n] = BigInt(n) << 50n;
    registers.v[2] = 0x3ff0_0000_0000_0000n;
    registers.v[3] = 0n;
    registers.v[4] = 0n;
    registers.v[5] = 0n;
    registers.fpcr = 0x00c0_0000;
    cpu.run([FDIV_D0_D1_D2]);
    expect(registers.v[0]).toBe(0x7ff0_0000_0000_0000n);
    expect(registers.v[1]).toBe(0n);
    expect(registers.v[63]).toBe(63n << 50n);
    expect(registers.fpsr).toBe(0x0000_0002);
    expect(registers.fpcr).toBe(0x00c0_0000);
    expect(registers.nzcv).toBe(0x6000_0000);
  });

  it("shares its data memory with the caller", () => {
    registers.clear();
    const bytes = cpu.memory(0x1000_0100n, 8);
    bytes.set([1, 2, 3, 4, 5, 6, 7, 8]);
    registers.x[1] = 0x1000_0100n;
    cpu.run([LDR_X0_X1]);
    expect(registers.x[0]).toBe(0x0807_0605_0403_0201n);
    registers.x[0] = 0x1122_3344_5566_7788n;
    cpu.run([STR_X0_X1]);
    expect([...bytes]).toEqual([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
  });

  it("refuses a range that no window holds", () => {
    expect(() => cpu.memory(0x1000_3ff9n, 8)).toThrow(/no mapped window/);
  });

  it("retranslates a word that changed at the same address", () => {
    registers.clear();
    for (let n = 0; n < 4096; n++) {
      const addImmediate = (0x9100_0020 | (n << 10)) >>> 0;
      cpu.run([addImmediate]);
      expect(registers.x[0]).toBe(BigInt(n));
    }
  });

  it("retranslates when other words were run at another address in between", () => {
    registers.clear();
    cpu.run([0x9100_0420], 1, 0x40_0010n);
    expect(registers.x[0]).toBe(1n);
    cpu.run([0x9100_0820], 1, 0x40_0020n);
    expect(registers.x[0]).toBe(2n);
    cpu.run([0x9100_0c20], 1, 0x40_0010n);
    expect(registers.x[0]).toBe(3n);
    expect(cpu.run([B_SELF], 1, 0x40_0020n).pc).toBe(0x40_0020n);
  });

  it("counts exactly, in loops too", () => {
    registers.clear();
    const decrement = 0xd100_0400; // sub x0, x0, #1
    const back = 0x17ff_ffff; // b .-4
    registers.x[0] = 1000n;
    expect(cpu.run([decrement, back], 7)).toEqual({ kind: "ok", pc: 0x40_0004n, executed: 7 });
    expect(registers.x[0]).toBe(996n);
  });

  it("ends ok when the last instruction branches to unmapped memory, and reports the fetch when more were asked for", () => {
    registers.clear();
    registers.x[1] = 0x5000n;
    expect(cpu.run([BR_X1])).toEqual({ kind: "ok", pc: 0x5000n, executed: 1 });
    registers.x[1] = 0x5000n;
    expect(cpu.run([ADD_X0_X1_X2, BR_X1])).toEqual({ kind: "ok", pc: 0x5000n, executed: 2 });
    const { kind, pc, executed } = cpu.run([BR_X1, ADD_X0_X1_X2]);
    expect({ kind, pc, executed }).toEqual({ kind: "memory", pc: 0x5000n, executed: 1 });
  });

  it.each([
    ["read", LDR_X0_X1],
    ["write", STR_X0_X1],
  ])("reports an unmapped %s with its address, at the instruction's own PC", (access, word) => {
    registers.clear();
    registers.x[1] = 0xdead_0000n;
    expect(cpu.run([ADD_X0_X1_X2, word])).toEqual({
      kind: "memory",
      fault: "unmapped",
      access,
      address: 0xdead_0000n,
      size: 8,
      pc: 0x40_0004n,
      executed: 1,
    });
  });

  it("reports undefined instructions, supervisor calls and breakpoints as values", () => {
    expect(cpu.run([UDF])).toEqual({ kind: "undefined", pc: 0x40_0000n, executed: 0 });
    expect(cpu.run([SVC_0])).toEqual({
      kind: "exception",
      index: 2,
      name: "SVC",
      pc: 0x40_0004n,
      executed: 0,
    });
    expect(cpu.run([BRK_0])).toEqual({
      kind: "exception",
      index: 7,
      name: "BKPT",
      pc: 0x40_0000n,
      executed: 0,
    });
    expect(cpu.run([ADD_X0_X1_X2]).kind).toBe("ok");
    cpu.run([WFI]);
    expect(cpu.run([ADD_X0_X1_X2]).kind).toBe("ok");
  });

  it("runs LSE atomics and exclusives, and starts each run with the exclusive monitor clear", () => {
    registers.clear();
    cpu.memory(0x1000_0000n, 8).fill(0);
    registers.x[1] = 0x1000_0000n;
    registers.x[2] = 9n;
    expect(cpu.run([LDADDAL_X2_X0_X1]).kind).toBe("ok");
    expect(cpu.memory(0x1000_0000n, 8)[0]).toBe(9);
    expect(cpu.run([LDXR_X0_X1, STXR_W3_X0_X1]).kind).toBe("ok");
    expect(registers.x[3]).toBe(0n);
    cpu.run([LDXR_X0_X1]);
    cpu.run([STXR_W3_X0_X1]);
    expect(registers.x[3]).toBe(1n);
  });

  it("computes with doubles", () => {
    registers.clear();
    registers.v[2] = 0x3ff8_0000_0000_0000n; // 1.5
    registers.v[4] = 0x4004_0000_0000_0000n; // 2.5
    cpu.run([FADD_D0_D1_D2]);
    expect(registers.v[0]).toBe(0x4010_0000_0000_0000n);
  });

  it("goes on across its own engine changes, without growing by more than they keep", () => {
    registers.clear();
    const runs = 210_000;
    for (let n = 0; n < runs; n++) {
      registers.x[1] = BigInt(n);
      registers.x[2] = 1n;
      cpu.run([ADD_X0_X1_X2]);
      if (registers.x[0] !== BigInt(n + 1)) throw new Error(`run ${n}: X0 = ${registers.x[0]}`);
    }
    expect(process.memoryUsage().rss).toBeLessThan(700 * 2 ** 20);
  });

  it("has several engines at a time, with windows where they were asked for and the asked CPU model", () => {
    const a57 = new UnicornArm64({
      cpu: "cortex-a57",
      code: { address: 0xffff_0000_0000n, size: 8192 },
      data: [
        { address: 0x1000n, size: 4096 },
        { address: 0x8000_0000n, size: 8192 },
      ],
    });
    a57.registers.x[1] = 0x8000_1ff8n;
    expect(a57.run([LDR_X0_X1]).kind).toBe("ok");
    expect(a57.run([LDADDAL_X2_X0_X1]).kind).toBe("undefined");
    expect(a57.memory(0x1000n, 4096).length).toBe(4096);
    a57.close();
    expect(() => a57.run([LDR_X0_X1])).toThrow(/closed/);
    expect(cpu.run([ADD_X0_X1_X2]).kind).toBe("ok");
  });
});
