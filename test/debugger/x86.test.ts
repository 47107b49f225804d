import { afterEach, describe, expect, it } from "vitest";
import { DebuggerError } from "../../src/debugger/errors.ts";
import type { StopEvent } from "../../src/debugger/events.ts";
import { x86ModeOf } from "../../src/debugger/x86/mode.ts";
import { x86WatchRegisters } from "../../src/debugger/x86/watchRegisters.ts";
import { debugX86, kvm, modesGuest } from "./support/x86.ts";

type Guest = Awaited<ReturnType<typeof debugX86>>;

let guest: Guest | undefined;
afterEach(() => {
  guest?.close();
  guest = undefined;
});

async function start(...set: Parameters<typeof debugX86>): Promise<Guest> {
  guest = await debugX86(...set);
  return guest;
}

const reasonOf = (event: StopEvent): string => (event.kind === "stopped" ? event.reason.kind : event.reason);

describe("x86 watchpoint registers", () => {
  it.each([
    [0x1000n, 8, ["1000+8"]],
    [0x1001n, 4, ["1001+1", "1002+2", "1004+1"]],
    [0x1004n, 16, ["1004+4", "1008+8", "1010+4"]],
  ])("cover %o and %d bytes exactly", (address, length, covered) => {
    const lengths = [1, 2, 8, 4];
    const got = x86WatchRegisters(address, length, "write").map(
      ({ value, control }) => `${value.toString(16)}+${lengths[control >> 2]}`,
    );
    expect(got).toEqual(covered);
  });

  it("are not for reads alone", () => {
    expect(() => x86WatchRegisters(0x1000n, 4, "read")).toThrow(/awatch/);
  });
});

describe.skipIf(!kvm.available)("an x86 guest on /dev/kvm under the debugger", () => {
  it("S6: stops at its first instruction, and runs to its end with the status it gives", async () => {
    const { session, machine, printed } = await start();
    expect(session.current.pc).toBe(0x10_0000n);
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(printed()).toBe("hello from x86-64\ngoodbye\n");
    expect(machine.exitStatus).toBe(1);
  });

  it.each(["patched", "hardware"] as const)(
    "S6: stops at a %s breakpoint each time it is reached",
    async (kind) => {
      const { session, address } = await start();
      session.breakpoints.add({ address: address("loop_head"), kind });
      const counts: bigint[] = [];
      for (let i = 0; i < 5; i++) {
        expect(reasonOf(await session.continue())).toBe("breakpoint");
        counts.push(session.current.register("rcx"));
      }
      expect(counts).toEqual([5n, 4n, 3n, 2n, 1n]);
      expect(reasonOf(await session.continue())).toBe("power-off");
    },
  );

  it("S6: the guest's memory shows its own bytes under a patched breakpoint", async () => {
    const { session, address, machine } = await start();
    const at = address("loop_head");
    const before = session.current.readMemory(at, 4);
    session.breakpoints.add({ address: at, kind: "patched" });
    expect(session.current.readMemory(at, 4)).toEqual(before);
    expect(machine.vm.readMemory(at, 1)[0]).toBe(0xcc);
  });

  it("S4.2: steps over a breakpoint, into it, and past port output, an instruction at a time", async () => {
    const { session, address, printed } = await start();
    session.breakpoints.add({ address: address("loop_head") });
    await session.continue();
    const pcs: bigint[] = [];
    for (let i = 0; i < 4; i++) {
      await session.step();
      pcs.push(session.current.pc - address("loop_head"));
    }
    // inc, mov [counter], dec, jnz back to the breakpoint.
    expect(pcs).toEqual([3n, 10n, 12n, 0n]);
    expect(printed()).toBe("hello from x86-64\n");
  });

  it("stops behind the write that a watchpoint watches, once for each", async () => {
    const { session, address, word } = await start();
    session.breakpoints.watch({ address: address("counter"), length: 8, access: "write" });
    for (const value of [1n, 2n, 3n]) {
      expect(reasonOf(await session.continue())).toBe("watchpoint");
      expect([word("counter"), session.current.pc]).toEqual([value, address("loop_head") + 10n]);
    }
  });

  it("goes on behind a watchpoint whose condition is false, also when it steps", async () => {
    const { session, address, word } = await start();
    session.breakpoints.watch({
      address: address("counter"),
      length: 8,
      access: "write",
      condition: (vcpu) => vcpu.readInteger(address("counter"), 8) === 3n,
    });
    expect(reasonOf(await session.continue())).toBe("watchpoint");
    expect(word("counter")).toBe(3n);
  });

  it("says when the four debug registers are taken, by whatever", async () => {
    const { session, address } = await start();
    const { breakpoints } = session;
    breakpoints.watch({ address: address("counter"), length: 8, access: "write" });
    for (const name of ["loop_head", "outer", "inner"])
      breakpoints.add({ address: address(name), kind: "hardware" });
    expect(() => breakpoints.add({ address: address("finish"), kind: "hardware" })).toThrow(
      new DebuggerError(
        "exhausted",
        "all 4 debug registers are taken by hardware breakpoints and watchpoints",
      ),
    );
    expect(() => breakpoints.watch({ address: address("spins"), length: 8, access: "write" })).toThrow(
      /takes 1 of the 4 debug registers, which hardware breakpoints take too, and none is free/,
    );
  });

  it("S1.7: gives the guest its own INT3 and INT1 while breakpoints are elsewhere, exactly", async () => {
    const { session, address, word } = await start();
    session.breakpoints.add({ address: address("finish") });
    session.breakpoints.add({ address: address("outer"), kind: "hardware" });
    expect(reasonOf(await session.continue())).toBe("breakpoint");
    expect(reasonOf(await session.continue())).toBe("breakpoint");
    expect(session.current.pc).toBe(address("finish"));
    expect([word("own_breakpoints"), word("breakpoint_return")]).toEqual([
      1n,
      address("behind_own_breakpoint"),
    ]);
    expect(word("own_debugs")).toBe(2n);
  });

  it("S1.7: a breakpoint on the guest's own INT3 wins, and the guest's works again without it", async () => {
    const { session, address, word } = await start();
    const breakpoint = session.breakpoints.add({ address: address("own_breakpoint"), kind: "patched" });
    expect(reasonOf(await session.continue())).toBe("breakpoint");
    expect([session.current.pc, word("own_breakpoints")]).toEqual([address("own_breakpoint"), 0n]);
    session.breakpoints.remove(breakpoint);
    await session.continue();
    expect(word("own_breakpoints")).toBe(1n);
  });

  it("S4.2: a step of the guest's own INT3 ends at its handler", async () => {
    const { session, address, word } = await start();
    session.breakpoints.add({ address: address("own_breakpoint"), kind: "hardware" });
    await session.continue();
    expect(reasonOf(await session.step())).toBe("step");
    expect(session.current.pc).toBe(address("on_breakpoint"));
    await session.runTo("behind_own_breakpoint");
    expect(word("breakpoint_return")).toBe(address("behind_own_breakpoint"));
  });

  it("can be stopped while it spins, and sent elsewhere", async () => {
    const { session, address, word } = await start();
    session.current.pc = address("spin");
    const stopped = session.continue();
    setTimeout(() => session.stop(), 30);
    expect(reasonOf(await stopped)).toBe("interrupt");
    expect(word("spins")).toBeGreaterThan(0n);
    session.current.pc = address("finish");
    expect(reasonOf(await session.continue())).toBe("power-off");
  });

  it("stops with the reason when it shuts down by a triple fault", async () => {
    const { session, address } = await start();
    session.current.setRegister("rsp", 0x5000n);
    session.current.pc = address("triple_fault");
    expect(await session.continue()).toMatchObject({
      reason: { kind: "failure", message: expect.stringMatching(/^triple fault/) },
    });
  });

  it("is reset to its first instruction, with everything as it was", async () => {
    const { session, address, word, printed } = await start();
    await session.runTo("finish");
    session.reset();
    expect([session.current.pc, word("counter"), x86ModeOf(session.current.kvm).name]).toEqual([
      0x10_0000n,
      0n,
      "long",
    ]);
    await session.runTo("finish");
    expect([session.current.pc, printed()]).toEqual([
      address("finish"),
      "hello from x86-64\ngoodbye\n".repeat(2),
    ]);
  });

  it("shows its call stack by frame pointers", async () => {
    const { session, address } = await start();
    // In the body; before PUSH RBP; between that and MOV RBP, RSP.
    for (const at of [address("inside_inner"), address("inner"), address("inner") + 1n]) {
      session.reset();
      await session.runTo(at);
      const { frames } = session.symbols.backtrace(session.current);
      const names = frames.slice(1, 3).map(({ location }) => location?.symbol.name);
      expect([session.current.pc, names]).toEqual([at, ["outer", "loop_head"]]);
    }
  });

  it("has its registers by name, and takes what is written", async () => {
    const { session } = await start();
    const { current } = session;
    const values = {
      rax: 1n,
      r15: 2n ** 64n - 1n,
      st3: 0x3fff_8000_0000_0000_0000n,
      xmm7: 2n ** 127n + 5n,
      dr0: 0x1234n,
      cr2: 7n,
    };
    for (const [name, value] of Object.entries(values)) current.setRegister(name, value);
    current.setRegister("mxcsr", 0x1f00n);
    current.setRegister("lstar", 0xffff_8000_0000_1000n);
    for (const [name, value] of Object.entries(values))
      expect([name, current.register(name)]).toEqual([name, value]);
    expect([current.register("mxcsr"), current.register("lstar")]).toEqual([0x1f00n, 0xffff_8000_0000_1000n]);
    expect([current.register("cs"), current.register("rip"), current.register("fctrl")]).toEqual([
      0x10n,
      0x10_0000n,
      0x37fn,
    ]);
    expect(() => current.register("nonesuch")).toThrow(DebuggerError);
  });
});

describe.skipIf(!kvm.available)("an x86 guest that changes its mode", () => {
  /** Labels of guests/x86-64/modes/modes.S. */
  const at = {
    start: 0x7c00n,
    far: 0x7c1dn,
    back: 0x7c24n,
    real: 0x7c34n,
    prot: 0x7c7bn,
    long: 0x7cc1n,
    end: 0x7ccen,
  };

  it("stops at breakpoints in each mode, by their linear addresses", async () => {
    const { session } = await start(modesGuest);
    for (const address of Object.values(at).slice(1)) session.breakpoints.add({ address });
    const seen: string[] = [];
    for (let event = await session.continue(); event.kind === "stopped"; event = await session.continue()) {
      expect(event.reason.kind).toBe("breakpoint");
      seen.push(`${session.current.pc.toString(16)} ${x86ModeOf(session.current.kvm).name}`);
    }
    expect(seen).toEqual([
      "7c1d real",
      "7c24 real",
      ...Array<string>(3).fill("7c34 real"),
      "7c7b protected",
      "7cc1 long",
      "7cce long",
    ]);
  });

  it("has RIP apart from the linear address where CS has a base", async () => {
    const { session } = await start(modesGuest);
    await session.runTo(at.far);
    const { current } = session;
    expect([current.pc, current.register("rip"), current.register("cs_base")]).toEqual([
      at.far,
      0x1dn,
      0x7c00n,
    ]);
    current.pc = at.far + 1n;
    expect(current.register("rip")).toBe(0x1en);
  });

  it("gets its own INT3 in real mode while breakpoints are planted", async () => {
    const { session } = await start(modesGuest);
    session.breakpoints.add({ address: at.end });
    await session.continue();
    expect(session.current.readInteger(0x7ce3n, 2)).toBe(1n);
  });

  it("S4.2: is stepped from its first instruction to long mode", async () => {
    const { session } = await start(modesGuest);
    const modes: string[] = [];
    for (let i = 0; i < 4000 && session.current.pc !== at.end; i++) {
      session.stepNow();
      const { name } = x86ModeOf(session.current.kvm);
      if (modes.at(-1) !== name) modes.push(name);
    }
    expect([session.current.pc, modes]).toEqual([at.end, ["real", "protected", "compatibility", "long"]]);
    expect(session.current.register("rax")).toBe(0x1234_5678_9abc_def0n);
  });
});
