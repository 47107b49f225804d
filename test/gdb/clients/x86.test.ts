import { describe, expect, it } from "vitest";
import { formatGdbAddress } from "../../../src/gdb/address.ts";
import { debugGuest, kvm, modesGuest, type X86SetUp, x86Target } from "../../debugger/support/x86.ts";
import { requireTool } from "../../support/tools.ts";
import { LldbPrompt } from "../support/lldb.ts";
import { SocketClient, serve } from "../support/serving.ts";
import { runTool, type ToolOptions } from "../support/tools.ts";

const gdb = requireTool("gdb-multiarch");
const lldb = requireTool("lldb");

interface Run extends Omit<ToolOptions, "runs">, X86SetUp {
  readonly image?: string;
  /** gdb gets the guest's symbols. */
  readonly symbols?: boolean;
}

/** Serves a guest while a client talks to it. */
async function withGuest<T>(
  { image = debugGuest, ...options }: Run,
  use: (place: string, runs: () => number, guest: Awaited<ReturnType<typeof x86Target>>) => Promise<T>,
) {
  const guest = await x86Target(image, options);
  let runs = 0;
  guest.session.subscribe((event) => {
    if (event.kind === "running") runs++;
  });
  const server = await serve(guest.target);
  try {
    return await use(formatGdbAddress(server.address), () => runs, guest);
  } finally {
    await server.close();
    guest.close();
  }
}

function gdbRun(commands: readonly string[], run: Run = {}) {
  return withGuest(run, async (place, runs, guest) => {
    const file = run.symbols === false || run.image !== undefined ? [] : [`file ${debugGuest}`];
    const script = ["set pagination off", "set confirm off", ...file, `target remote ${place}`, ...commands];
    const argv = ["-q", "-nx", "--batch", ...script.flatMap((command) => ["-ex", command])];
    const output = await runTool("gdb-multiarch", argv, { ...run, runs });
    return { output, session: guest.session, printed: guest.printed() };
  });
}

describe.skipIf(!kvm.available || !gdb.available)("gdb-multiarch on an x86 guest on /dev/kvm", () => {
  it("accepts the description and reads every register of it", async () => {
    const { output } = await gdbRun([
      "show architecture",
      "p/x $rip",
      "p $eflags",
      "set $xmm3.uint128 = 0x1122334455667788",
      "p/x $xmm3.v2_int64[0]",
      "p $st0",
      "p/x $fctrl",
      "p $mxcsr",
      "set $fs_base = 0x123000",
      "p/x $fs_base",
      "p/x $cr0",
      "p/x $efer",
      "set $r15 = -1",
      "p/x $r15",
      "info registers system",
      "info all-registers",
    ]);
    expect(output).not.toMatch(/warning: .*(xml|description|architecture)/i);
    expect(output).not.toMatch(/too long|Truncated/);
    expect(output).toContain('(currently "i386:x86-64")');
    for (const value of [
      "0x100000",
      "0x1122334455667788",
      "0x37f",
      "0x123000",
      "0x80050033",
      "0x501",
      "0xffffffffffffffff",
    ])
      expect(output).toContain(`= ${value}\n`);
    expect(output).toMatch(/= \[ IOPL=0 \]/);
    expect(output).toMatch(/= \[ IM DM ZM OM UM PM RC=0 \]/);
    expect(output).toMatch(/gs_limit +0x/);
    expect(output).toMatch(/ymm15 +\{/);
  });

  it("stops at breakpoints of both kinds and at the writes it watches, and steps", async () => {
    const { output, printed } = await gdbRun([
      "break loop_head",
      "continue",
      'printf "first %d\\n", $rcx',
      "continue",
      'printf "second %d\\n", $rcx',
      "delete",
      "hbreak *outer",
      "watch *(long *)&counter",
      "continue",
      'printf "counter %d at %d\\n", *(long *)&counter, $pc - (long)&loop_head',
      "delete 3",
      "continue",
      "stepi 3",
      "x/i $pc",
      "delete",
      "break finish",
      "continue",
      'printf "own %d %d\\n", *(long *)&own_breakpoints, *(long *)&own_debugs',
      "delete",
      "continue",
    ]);
    expect(output).toMatch(/first 5\n[\s\S]*second 4\n/);
    expect(output).toMatch(/Old value = 1\s+New value = 2\s[\s\S]*counter 2 at 10\n/);
    expect(output).toMatch(/Breakpoint 2, .*outer/);
    expect(output).toMatch(/=> 0x[0-9a-f]+ <inner>:\tpush +%rbp/);
    expect(output).toMatch(/Breakpoint 4, .*finish/);
    expect(output).toContain("own 1 2\n");
    expect(output).toContain("exited normally");
    expect(printed).toBe("hello from x86-64\ngoodbye\n");
  });

  it("is told when the debug registers run out, and watches any access where the host can", async () => {
    const { output } = await gdbRun([
      ...["loop_head", "outer", "inner", "finish", "spin"].map((name) => `hbreak ${name}`),
      "continue",
    ]);
    expect(output).toMatch(/all 4 debug registers are taken|Cannot insert hardware breakpoint/);
  });

  it("interrupts a guest that spins, and sends it elsewhere", async () => {
    const { output } = await gdbRun(
      [
        "set $pc = spin",
        "continue",
        'printf "spins %d\\n", *(long *)&spins > 0',
        "set $pc = finish",
        "continue",
      ],
      { interrupts: 1 },
    );
    expect(output).toMatch(/Program received signal SIGINT[\s\S]*spins 1\n[\s\S]*exited normally/);
  });

  it("sees a triple fault as what it is", async () => {
    const { output } = await gdbRun(["set $pc = triple_fault", "continue", "p $pc"]);
    expect(output).toMatch(/triple fault: the guest could not take an exception/);
    expect(output).toMatch(/signal SIGABRT/);
  });

  it("reads and writes MSRs, and shows the processor's state and what the substrate can", async () => {
    const { output } = await gdbRun([
      "monitor wrmsr lstar 0xffffffff81000000",
      "monitor rdmsr 0xc0000082",
      "monitor cpu",
      "monitor info substrate",
      "monitor rdmsr 0x12345",
    ]);
    expect(output).toContain("MSR 0xc0000082 = 0xffffffff81000000\n");
    expect(output).toMatch(/cpu0: long mode, 64-bit code, CPL 0\n/);
    expect(output).toMatch(/substrate: linux \(\/dev\/kvm\), 1 vCPU\nguest debugging, control bits/);
    expect(output).toContain("there is no MSR 0x12345");
  });

  it("goes with a guest from real mode to long mode, and disassembles each", async () => {
    const { output } = await gdbRun(
      [
        "break *0x7c1d",
        "break *0x7c34",
        "break *0x7c7b",
        "break *0x7cc1",
        "continue",
        'printf "far %#x\\n", $pc',
        "continue",
        "monitor architecture auto",
        "unset tdesc filename",
        "x/2i $pc",
        'printf "ecx %d\\n", $ecx',
        "delete 2",
        "continue",
        "monitor architecture auto",
        "unset tdesc filename",
        "x/i $pc",
        "continue",
        'printf "still 32 %#x\\n", $eip',
        "monitor architecture auto",
        "unset tdesc filename",
        "x/i $pc",
        "stepi",
        'printf "rax %#lx\\n", $rax',
        "continue",
      ],
      { image: modesGuest },
    );
    expect(output).not.toMatch(/too long|Truncated|rejected|not compatible/);
    expect(output).toContain("far 0x7c1d\n");
    expect(output).toMatch(
      /the description is i8086[\s\S]*=> 0x7c34:\tincw +0x7cf0\n[\s\S]*loop +0x7c34\n[\s\S]*ecx 3\n/,
    );
    expect(output).toMatch(/the description is i386;[\s\S]*=> 0x7c7b:\tmov +\$0x10,%ax\n/);
    expect(output).toContain("still 32 0x7cc1\n");
    expect(output).toMatch(
      /the description is i386:x86-64[\s\S]*=> 0x7cc1:\tmovabs \$0x123456789abcdef0,%rax\n/,
    );
    expect(output).toContain("rax 0x123456789abcdef0\n");
    expect(output).toContain("exited normally");
  });

  it("keeps one description over all modes when it is not asked for another", async () => {
    const { output } = await gdbRun(
      [
        "break *0x7c34",
        "break *0x7cc1",
        "continue",
        "delete 1",
        "continue",
        "info registers rip cs",
        "p/x $efer",
      ],
      { image: modesGuest },
    );
    expect(output).not.toMatch(/too long|Truncated/);
    expect(output).toMatch(/rip +0x7cc1 [\s\S]*cs +0x18 [\s\S]*= 0x500\n/);
  });

  it("detaches, and the guest goes on", async () => {
    const { session, printed } = await withGuest({}, async (place, _runs, guest) => {
      const script = [
        `file ${debugGuest}`,
        `target remote ${place}`,
        "break loop_head",
        "continue",
        "detach",
      ];
      const output = await runTool("gdb-multiarch", [
        "-q",
        "-nx",
        "--batch",
        ...script.flatMap((command) => ["-ex", command]),
      ]);
      expect(output).toContain("detached");
      while (guest.session.status.kind === "running") await new Promise((resolve) => setTimeout(resolve, 10));
      return { session: guest.session, printed: guest.printed() };
    });
    expect(session.status).toEqual({ kind: "ended", reason: "power-off" });
    expect(printed).toBe("hello from x86-64\ngoodbye\n");
  });
});

describe.skipIf(!kvm.available)("clients of an x86 guest on /dev/kvm that come and go", () => {
  it("may do so a hundred times, and the guest is the same", async () => {
    await withGuest({}, async (_place, _runs, { session, address, target, word }) => {
      session.current.pc = address("spin");
      const server = await serve(target);
      for (let i = 0; i < 100; i++) {
        const client = await SocketClient.connect(server.address);
        expect(await client.ask("?")).toMatch(/^T/);
        expect(await client.ask(`Z0,${address("spin").toString(16)},1`)).toBe("OK");
        client.send("c");
        expect((await client.packets(1))[0]).toMatch(/^T05/);
        expect(await client.ask("D")).toBe("OK");
        await client.end();
        session.stop();
      }
      await server.close();
      expect(session.breakpoints.breakpoints).toEqual([]);
      expect(word("spins")).toBeGreaterThan(99n);
      session.current.pc = address("finish");
      expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    });
  });

  it("may vanish in the midst of a run: what they planted is gone, and the next one is served", async () => {
    await withGuest({}, async (_place, _runs, { session, address, target }) => {
      session.current.pc = address("spin");
      const server = await serve(target);
      const client = await SocketClient.connect(server.address);
      await client.ask("?");
      await client.ask(`Z0,${address("finish").toString(16)},1`);
      client.send("c");
      await client.end();
      const next = await SocketClient.connect(server.address);
      expect(await next.ask("?")).toMatch(/^T/);
      expect(session.breakpoints.breakpoints).toEqual([]);
      await next.end();
      await server.close();
    });
  });
});

describe.skipIf(!kvm.available || !lldb.available)("LLDB on an x86 guest on /dev/kvm", () => {
  const lldbRun = (commands: readonly string[], run: Run = {}) =>
    withGuest(run, async (place, runs, guest) => {
      const file = run.image === undefined ? [`target create ${debugGuest}`] : [];
      const script = [...file, `gdb-remote ${place}`, ...commands, "quit"];
      const argv = ["-x", "-b", ...script.flatMap((command) => ["-o", command])];
      const output = await runTool("lldb", argv, { ...run, runs });
      return { output, printed: guest.printed() };
    });

  it("reads registers, stops at breakpoints and watched writes, and steps", async () => {
    const { output, printed } = await lldbRun([
      "register read rip rsp rflags cs fs_base cr0 xmm0 st0",
      "breakpoint set --name loop_head",
      "continue",
      "register read rcx",
      "breakpoint delete 1",
      "watchpoint set expression -w write -s 8 -- (long)&counter",
      "continue",
      "register read rbx",
      "watchpoint delete 1",
      "breakpoint set --name inner",
      "continue",
      "thread step-inst",
      "disassemble --pc --count 1",
      "bt",
      "breakpoint delete 2",
      "continue",
    ]);
    expect(output).toMatch(/rip = 0x0*100000/);
    expect(output).toMatch(/cr0 = 0x0*80050033/);
    expect(output).toMatch(/rcx = 0x0*5\n/);
    expect(output).toMatch(/stop reason = watchpoint 1/);
    expect(output).toMatch(/stop reason = breakpoint 2/);
    expect(output).toMatch(/movq +%rsp, %rbp/);
    expect(output).toMatch(/frame #1: .*outer/);
    expect(output).toMatch(/exited with status = 0/);
    expect(printed).toBe("hello from x86-64\ngoodbye\n");
  });

  it("goes with a guest from real mode to long mode", async () => {
    const { output } = await lldbRun(
      [
        "breakpoint set --address 0x7c7b",
        "breakpoint set --address 0x7cc1",
        "continue",
        "register read rip cr0",
        "continue",
        "thread step-inst",
        "register read rip rax efer",
        "continue",
      ],
      { image: modesGuest },
    );
    expect(output).toMatch(
      /rip = 0x0*7c7b[\s\S]*rip = 0x0*7ccb\n +rax = 0x123456789abcdef0\n +efer = 0x0*500/,
    );
    expect(output).toMatch(/exited with status = 0/);
  });

  it("interrupts a guest that spins, and sends it elsewhere", async () => {
    await withGuest({}, async (place, _runs, { address, printed, session }) => {
      const goTo = (name: string): string => `register write rip 0x${address(name).toString(16)}`;
      const lldb = LldbPrompt.start([`target create ${debugGuest}`, `gdb-remote ${place}`, goTo("spin")]);
      for (let i = 0; i < 2; i++) {
        await lldb.ask("continue");
        expect(await lldb.interrupt()).toMatch(
          /stop reason = signal SIGINT[\s\S]*frame #0: 0x\S+ debug\.elf`spin/,
        );
      }
      expect(await lldb.ask("expression -- (long)spins > 0")).toContain("= true");
      await lldb.ask(goTo("finish"));
      await lldb.askFor("continue", /Process 1 exited with status = 0/);
      await lldb.quit();
      expect(session.status).toEqual({ kind: "ended", reason: "power-off" });
      expect(printed()).toBe("");
    });
  });

  it("detaches, and the guest goes on without its breakpoints; who comes back finds it further on", async () => {
    await withGuest({}, async (place, _runs, { address, session, word }) => {
      const goTo = (name: string): string => `register write rip 0x${address(name).toString(16)}`;
      const lldb = LldbPrompt.start([`target create ${debugGuest}`, `gdb-remote ${place}`, goTo("spin")]);
      await lldb.ask("continue");
      await lldb.interrupt();
      await lldb.ask("breakpoint set --name spin");
      await lldb.askFor("continue", /stop reason = breakpoint 1\.1/);
      const before = word("spins");
      await lldb.askFor("detach", /Process 1 detached/);
      await lldb.quit();
      expect(session.status.kind).toBe("running");
      expect(session.breakpoints.breakpoints).toEqual([]);
      while (word("spins") <= before + 1n) await new Promise((resolve) => setTimeout(resolve, 10));
      const again = LldbPrompt.start([`target create ${debugGuest}`, `gdb-remote ${place}`]);
      expect(await again.ask("thread backtrace")).toMatch(/frame #0: 0x\S+ debug\.elf`spin/);
      expect(session.status.kind).toBe("stopped");
      await again.ask(goTo("finish"));
      await again.askFor("detach", /Process 1 detached/);
      await again.quit();
      while (session.status.kind === "running") await new Promise((resolve) => setTimeout(resolve, 10));
      expect(session.status).toEqual({ kind: "ended", reason: "power-off" });
    });
  });
});
