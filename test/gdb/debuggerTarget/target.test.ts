import { describe, expect, it } from "vitest";
import { ARM64_REGNUM } from "../../../src/gdb/arm64/core.ts";
import { DebuggerTarget } from "../../../src/gdb/debuggerTarget/target.ts";
import { RegisterFile } from "../../../src/gdb/registerFile.ts";
import type { BreakpointKind, ResumeAction, TargetEvent } from "../../../src/gdb/target.ts";
import { a64, bytesOf, CODE, DATA, debugCode } from "../../debugger/support/code.ts";

const counter = [a64.add(0, 0, 1), a64.add(1, 1, 1), a64.b(-2)];
const go: ResumeAction = { kind: "continue", signal: 0 };
const step: ResumeAction = { kind: "step", signal: 0 };
const stop: ResumeAction = { kind: "stop" };

function setUp(words: readonly number[] = counter, cpus = 1) {
  const code = debugCode(words, { cpus });
  const target = new DebuggerTarget(code.session);
  const events: TargetEvent[] = [];
  target.subscribe((event) => events.push(event));
  const read = (regnum: number, bytes = 8): bigint => {
    const into = new Uint8Array(bytes);
    expect(target.readRegister(1, regnum, into)).toBe("done");
    return into.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  };
  const write = (regnum: number, value: bigint, bytes = 8) =>
    target.writeRegister(
      1,
      regnum,
      Uint8Array.from({ length: bytes }, (_, n) => Number((value >> BigInt(n * 8)) & 0xffn)),
    );
  const plant = (kind: BreakpointKind, address: bigint, length = 4) =>
    target.breakpoints.insert({ kind, address, length, conditions: [], commands: undefined });
  const monitor = (line: string) => {
    let text = "";
    const outcome = target.monitor.execute(
      line,
      (part) => {
        text += part;
      },
      new AbortController().signal,
    );
    return { outcome, text };
  };
  return { ...code, target, events, read, write, plant, monitor };
}

describe("registers", () => {
  it("are all there, by the description's numbers", () => {
    const { target } = setUp();
    const file = new RegisterFile(target.architecture);
    expect(file.all.length).toBeGreaterThan(100);
    for (const { register, bytes } of file.all)
      expect([register.name, target.readRegister(1, register.regnum, new Uint8Array(bytes))]).toEqual([
        register.name,
        "done",
      ]);
    const names = new Set(file.all.map(({ register }) => register.name));
    for (const name of [
      "VBAR_EL1",
      "SCTLR_EL1",
      "TTBR1_EL1",
      "ESR_EL1",
      "MPIDR_EL1",
      "DBGBVR0_EL1",
      "CNTVCT_EL0",
    ])
      expect(names).toContain(name);
    // What is read by its effects is not read by a debugger.
    for (const name of ["ICC_IAR1_EL1", "OSLAR_EL1"]) expect(names).not.toContain(name);
  });

  it("hold what is written", () => {
    const { read, write, vcpu } = setUp();
    expect(write(5, 0x0123_4567_89ab_cdefn)).toBe("done");
    expect(vcpu.register("x5")).toBe(0x0123_4567_89ab_cdefn);
    expect(read(5)).toBe(0x0123_4567_89ab_cdefn);
    const wide = 0x1122_3344_5566_7788_99aa_bbcc_ddee_ff00n;
    write(ARM64_REGNUM.v0 + 3, wide, 16);
    expect(read(ARM64_REGNUM.v0 + 3, 16)).toBe(wide);
    write(ARM64_REGNUM.sp, 0x1000n);
    expect(vcpu.register("SP_EL1")).toBe(0x1000n);
    expect(vcpu.register("SP_EL0")).toBe(0n);
    write(ARM64_REGNUM.cpsr, 0x3c4n, 4);
    expect(read(ARM64_REGNUM.sp)).toBe(0n);
    expect(write(ARM64_REGNUM.cpsr, 0x3cfn, 4)).toMatchObject({ refused: "invalid" });
    expect(read(ARM64_REGNUM.cpsr, 4)).toBe(0x3c4n);
  });
});

describe("memory", () => {
  it("is read as far as it is mapped, virtual and physical, and no device is touched", () => {
    const { target, machine } = setUp();
    const into = new Uint8Array(16);
    expect(target.readMemory(1, CODE, into)).toBe(16);
    expect(into.slice(0, 12)).toEqual(bytesOf(counter));
    const end = CODE + (2n << 20n);
    expect(target.readMemory(1, end - 5n, into)).toBe(5);
    expect(target.readMemory(1, end, into)).toBe(0);
    expect(target.readMemory(1, 0x900_0000n, into)).toBe(0);
    expect(target.writeMemory(1, 0x900_0000n, new Uint8Array([65]))).toBe(0);
    expect(target.readMemory(1, 2n ** 64n - 4n, into)).toBe(0);
    expect(target.physicalMemory.write(DATA, new Uint8Array([1, 2, 3]))).toBe(3);
    expect(target.physicalMemory.read(DATA, into)).toBe(16);
    expect([...into.slice(0, 4)]).toEqual([1, 2, 3, 0]);
    expect(machine.exitCounts.MMIO).toBe(0);
  });

  it("has regions", () => {
    const { target } = setUp();
    expect(target.memoryRegion(1, CODE + 5n)).toEqual({ start: CODE, length: 2n << 20n, permissions: "rwx" });
    expect(target.memoryRegion(1, 0x900_0010n)).toMatchObject({ start: 0x900_0000n, permissions: undefined });
  });
});

describe("running", () => {
  it("tells stops once, with their reasons", () => {
    const { target, events, plant } = setUp();
    expect(target.status()).toMatchObject({
      kind: "stopped",
      thread: 1,
      reason: { kind: "signal", signal: 5 },
    });
    plant("software", CODE + 4n);
    plant("hardware", CODE + 8n);
    plant("watch-access", DATA, 8);
    expect(target.resume([{ thread: 1, action: go }])).toBe("done");
    expect(target.resume([{ thread: 1, action: go }])).toBe("done");
    expect(target.resume([{ thread: 1, action: step }])).toBe("done");
    expect(events).toEqual([
      { kind: "stopped", thread: 1, reason: { kind: "breakpoint", breakpoint: "software" } },
      { kind: "stopped", thread: 1, reason: { kind: "breakpoint", breakpoint: "hardware" } },
      { kind: "stopped", thread: 1, reason: { kind: "step" } },
    ]);
    expect(target.breakpoints.remove("software", CODE + 4n, 4)).toBe("done");
    expect(target.breakpoints.remove("hardware", CODE + 8n, 4)).toBe("done");
    target.resume([{ thread: 1, action: go }]);
    expect(target.status()).toEqual({ kind: "running" });
    expect(target.resume([{ thread: 1, action: go }])).toMatchObject({ refused: "running" });
    target.interrupt();
    expect(events.at(-1)).toEqual({ kind: "stopped", thread: 1, reason: { kind: "interrupt" } });
    target.interrupt();
    expect(events).toHaveLength(4);
  });

  it("names a watchpoint as the client does", () => {
    const { target, events, plant, vcpu } = setUp([a64.str(0, 1), a64.ldr(0, 1), a64.b(-2)]);
    vcpu.setRegister("x1", DATA);
    const run = (kind: BreakpointKind) => {
      plant(kind, DATA, 8);
      target.resume([{ thread: 1, action: go }]);
      target.breakpoints.remove(kind, DATA, 8);
      return events.at(-1);
    };
    const event = (access: string) => ({
      kind: "stopped",
      thread: 1,
      reason: { kind: "watchpoint", access, address: DATA },
    });
    expect(run("watch-write")).toEqual(event("write"));
    expect(run("watch-read")).toEqual(event("read"));
    expect(run("watch-access")).toEqual(event("access"));
  });

  it("lets threads stand", () => {
    const { target, vcpu } = setUp(counter, 2);
    expect(target.threads()).toEqual([
      { id: 1, name: "cpu0", core: 0, detail: "running" },
      { id: 2, name: "cpu1", core: 1, detail: "powered off" },
    ]);
    target.resume([
      { thread: 1, action: stop },
      { thread: 2, action: go },
    ]);
    expect(vcpu.pc).toBe(CODE);
    target.interrupt();
    expect(vcpu.pc).toBe(CODE);
  });

  it("says how the guest ends, and begins again", () => {
    const off = [a64.movz(0, 0x8400, 1), a64.movk(0, 8), a64.hvc];
    const { target, events } = setUp(off);
    target.resume([{ thread: 1, action: go }]);
    expect(events).toEqual([{ kind: "exited", status: 0 }]);
    expect(target.resume([{ thread: 1, action: go }])).toMatchObject({ refused: "not-attached" });
    expect(target.restart.restart(["-x"])).toMatchObject({ refused: "unsupported" });
    expect(target.restart.restart([])).toBe("done");
    expect(target.status()).toMatchObject({ kind: "stopped" });
    expect(target.kill.kill()).toBe("done");
    expect(target.status()).toEqual({ kind: "terminated", signal: 9 });
  });

  it("goes on by itself after detaching", () => {
    const { target, session } = setUp();
    expect(target.detach()).toBe("done");
    expect(session.status.kind).toBe("running");
    expect(target.detach()).toBe("done");
    session.stop();
  });

  it("holds interrupts while stepping, unless told otherwise", () => {
    const { target, session } = setUp();
    // ENABLE, NOIRQ, NOTIMER; the last is always so.
    expect(target.stepPolicy.get()).toBe(7);
    expect(target.stepPolicy.set(1)).toBe("done");
    expect(session.holdInterruptsWhileStepping).toBe(false);
    expect(target.stepPolicy.set(8)).toMatchObject({ refused: "invalid" });
    expect(target.stepPolicy.get()).toBe(5);
    expect(target.stepPolicy.set(7)).toBe("done");
    expect(session.holdInterruptsWhileStepping).toBe(true);
  });
});

describe("breakpoints", () => {
  it("are refused with the reason", () => {
    const { plant, target } = setUp();
    for (let n = 0n; n < 6n; n++) expect(plant("hardware", CODE + n * 4n)).toBe("done");
    expect(plant("hardware", CODE + 0x100n)).toMatchObject({ refused: "exhausted" });
    expect(plant("watch-write", DATA + 1n, 100)).toMatchObject({ refused: "exhausted" });
    expect(plant("software", CODE + 1n)).toMatchObject({ refused: "invalid" });
    expect(target.breakpoints.watchpointCount).toBe(4);
  });

  it("replace themselves, with room or without", () => {
    const { plant, session } = setUp();
    for (let n = 0; n < 3; n++) expect(plant("watch-write", DATA, 4096)).toBe("done");
    expect(plant("watch-write", DATA + 1n, 16)).toBe("done");
    expect(plant("watch-write", DATA + 1n, 16)).toBe("done");
    expect(session.breakpoints.watchpoints).toHaveLength(2);
  });

  it("evaluate conditions and run commands here", async () => {
    const { target, events, vcpu } = setUp();
    const run = async () => {
      target.resume([{ thread: 1, action: go }]);
      while (target.status().kind === "running") await new Promise(setImmediate);
    };
    // reg 0, const8 5, equal, end.
    const isFive = new Uint8Array([0x26, 0, 0, 0x22, 5, 0x13, 0x27]);
    target.breakpoints.insert({
      kind: "software",
      address: CODE + 4n,
      length: 4,
      conditions: [isFive],
      commands: undefined,
    });
    await run();
    expect(vcpu.register("x0")).toBe(5n);
    // A byte that is no opcode: the client has to look at it.
    const broken = new Uint8Array([0xff]);
    target.breakpoints.insert({
      kind: "software",
      address: CODE + 4n,
      length: 4,
      conditions: [broken],
      commands: undefined,
    });
    await run();
    expect(vcpu.register("x0")).toBe(6n);
    expect(events.filter(({ kind }) => kind === "output")).toEqual([
      { kind: "output", text: "breakpoint condition: byte 0 (0xff) is no agent opcode\n" },
    ]);
  });
});

describe("monitor", () => {
  it("lists its commands, and refuses others", () => {
    const { monitor } = setUp();
    const { text } = monitor("help");
    for (const name of [
      "info",
      "stats",
      "symbols",
      "backtrace",
      "translate ADDRESS",
      "breakpoints [unseen|patched]",
      "system [NAME]",
      "reset",
      "quit",
    ])
      expect(text).toContain(name);
    expect(monitor("")).toEqual(monitor("help"));
    expect(monitor("fly").outcome).toMatchObject({
      refused: "invalid",
      detail: expect.stringContaining("fly"),
    });
    expect(monitor("s").outcome).toMatchObject({
      detail: "s may be stats or symbols or step-interrupts or step-exclusives or system",
    });
  });

  it("shows the machine", () => {
    const { monitor, target } = setUp(counter, 2);
    target.resume([{ thread: 1, action: step }]);
    expect(monitor("info").text).toMatch(
      /2 vCPUs\nvirtual time: 0.000000001 s\ncpu0: running, PC 0x40000004, current\ncpu1: off/,
    );
    expect(monitor("stats").text).toContain("DEBUG: 1\n");
    expect(monitor("translate 0x40000123").text).toBe(
      "0x40000123 -> 0x40000123 (memory, writeable, EL0 may read)\n",
    );
    expect(monitor("translate 0x9000000").text).toContain("no memory");
    expect(monitor("translate 0xffff800000000000").outcome).toMatchObject({ refused: "unmapped" });
    expect(monitor("translate here").outcome).toMatchObject({ refused: "invalid" });
    expect(monitor("system mpidr_el1").text).toBe("MPIDR_EL1 = 0x80000000\n");
    expect(monitor("system nothing").outcome).toMatchObject({ refused: "invalid" });
    expect(monitor("system").text).toContain("VBAR_EL1");
    expect(monitor("symbols").outcome).toMatchObject({ detail: "no symbols are loaded" });
    expect(monitor("backtrace").text).toMatch(/^#0 0x40000004\n/);
  });

  it("changes how software breakpoints are planted", () => {
    const { monitor, plant, session } = setUp();
    expect(monitor("breakpoints").text).toBe("software breakpoints are unseen\n");
    expect(monitor("breakpoints patched").outcome).toBe("done");
    plant("software", CODE);
    expect(session.breakpoints.breakpoints).toMatchObject([{ kind: "patched", physical: CODE }]);
    expect(monitor("breakpoints blue").outcome).toMatchObject({ refused: "invalid" });
  });

  it("resets and ends the machine", () => {
    const { monitor, target, vcpu } = setUp();
    target.resume([{ thread: 1, action: step }]);
    expect(monitor("reset").outcome).toBe("done");
    expect(vcpu.pc).toBe(CODE);
    expect(monitor("quit").outcome).toBe("done");
    expect(target.status()).toEqual({ kind: "terminated", signal: 9 });
  });
});
