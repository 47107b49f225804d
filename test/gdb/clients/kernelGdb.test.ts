import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BOOT_OK_MARKER } from "../../../scripts/initramfs/init.ts";
import { requireTool } from "../../support/tools.ts";
import { runTool, type ToolOptions } from "../support/tools.ts";
import { kernel, kernelSymbols, printedSoon, serveKernel } from "./support/debian.ts";

const gdb = requireTool("gdb-multiarch");

type Kernel = Awaited<ReturnType<typeof serveKernel>>;

/** Runs gdb on a kernel that has not executed anything yet; returns what gdb prints. */
function runGdb(guest: Kernel, symbols: string, commands: readonly string[], options: ToolOptions = {}) {
  const script = [
    "set pagination off",
    "set confirm off",
    "set width 0",
    `file ${symbols}`,
    // Without debug information gdb would take the language to be assembly, which has no types.
    "set language c",
    `target remote ${guest.place}`,
    ...commands,
  ];
  const argv = ["-q", "-nx", "--batch", ...script.flatMap((command) => ["-ex", command])];
  return runTool("gdb-multiarch", argv, { runs: guest.runs, ...options });
}

describe.skipIf(!gdb.available || !kernel.available)("gdb-multiarch on a Linux kernel", () => {
  let symbols: Awaited<ReturnType<typeof kernelSymbols>>;
  beforeAll(async () => {
    symbols = await kernelSymbols();
  });
  afterAll(() => symbols.remove());

  const addressOf = (name: string): bigint => symbols.table.addressOf(name) ?? 0n;
  const hex = (value: bigint): string => `0x${value.toString(16)}`;

  it("is there from the first instruction; breakpoints at virtual addresses wait for the MMU", async () => {
    const guest = await serveKernel();
    guest.session.symbols.use(symbols.program);
    const output = await runGdb(guest, symbols.file, [
      "p/x $pc",
      "p/x $SCTLR_EL1 & 1",
      "tbreak *($pc + 4)",
      "continue",
      "stepi",
      "p/x $pc",
      "hbreak start_kernel",
      "break rest_init",
      "continue",
      "p/x $SCTLR_EL1 & 1",
      `p $VBAR_EL1 == (unsigned long long)${hex(addressOf("vectors"))}`,
      "stepi 3",
      "p/x $pc",
      "continue",
      "backtrace",
      "monitor backtrace",
      "monitor symbols",
      "detach",
    ]);
    expect(output).toContain("$1 = 0x40200000");
    expect(output).toContain("$2 = 0x0");
    expect(output).toMatch(/Temporary breakpoint 1, 0x0*40200004/);
    expect(output).toMatch(/Breakpoint 2, 0x[0-9a-f]+ in start_kernel/);
    expect(output).toContain("$4 = 0x1");
    expect(output).toContain("$5 = 1");
    expect(output).toContain(`$6 = ${hex(addressOf("start_kernel") + 12n)}`);
    expect(output).toMatch(/Breakpoint 3, 0x[0-9a-f]+ in rest_init/);
    expect(output).toMatch(
      /#0 +0x\S+ in rest_init \(\)\n#1 +0x\S+ in arch_call_rest_init \(\)\n#2 +0x\S+ in start_kernel \(\)\n#3 +0x\S+ in __primary_switched \(\)/,
    );
    expect(output).toMatch(/#0 0x\S+ rest_init\S*\n#1 0x\S+ arch_call_rest_init\S*\n#2 0x\S+ start_kernel/);
    expect(output).toMatch(/\d+ symbols, slide 0x0/);
    expect(output).toContain("detached");
    expect(guest.session.status.kind).toBe("running");
    expect(guest.session.breakpoints.breakpoints).toEqual([]);
    guest.session.stop();
    await guest.server.close();
  }, 60_000);

  it("plants patched breakpoints, which nobody sees", async () => {
    const guest = await serveKernel();
    const output = await runGdb(guest, symbols.file, [
      "monitor breakpoints patched",
      `break *${hex(addressOf("start_kernel"))}`,
      "continue",
      "delete",
      "break rest_init",
      "x/wx rest_init",
      "set breakpoint always-inserted on",
      "x/wx rest_init",
      "x/2i rest_init",
      "continue",
      "stepi",
      "p/x $pc",
      "kill",
    ]);
    // The MMU is off, and nothing is mapped where the kernel will be: the breakpoint waits for it.
    expect(output).toMatch(/Breakpoint 1, 0x[0-9a-f]+ in start_kernel/);
    const words = output.match(/<rest_init>:\t0x[0-9a-f]{8}/g) ?? [];
    expect(words).toHaveLength(2);
    expect(words[0]).toBe(words[1]);
    expect(output).not.toMatch(/\bbrk\b/);
    expect(output).toMatch(/Breakpoint 2, 0x[0-9a-f]+ in rest_init/);
    expect(output).toContain(`$1 = ${hex(addressOf("rest_init") + 4n)}`);
    expect(guest.session.status).toEqual({ kind: "ended", reason: "killed" });
    await guest.server.close();
  }, 60_000);

  it("watches memory and goes on past each access", async () => {
    const guest = await serveKernel();
    const output = await runGdb(guest, symbols.file, [
      "tbreak start_kernel",
      "continue",
      "watch -l *(long*)($sp - 16)",
      "continue",
      "continue",
      "delete",
      "rwatch -l *(long*)($sp + 8)",
      "continue",
      "delete",
      // Three registers together, and a page by one.
      "watch -l *(char(*)[24])($sp + 8)",
      "watch -l *(char(*)[4096])((unsigned long)$sp & ~4095UL)",
      "continue",
      "continue",
      "watch -l *(char(*)[17])0xffff000000000003",
      "continue",
      "kill",
    ]);
    expect(
      output.match(/^Hardware watchpoint 2: .*\n\nOld value = .*\nNew value = .*\n0x\S+ in /gm),
    ).toHaveLength(2);
    expect(output).toMatch(/^Hardware read watchpoint 3: .*\n\nValue = .*\n0x\S+ in /m);
    expect(output.match(/^Hardware watchpoint 5: .*\n\nOld value = /gm)).toHaveLength(2);
    expect(output).toContain("You may have requested too many hardware breakpoints/watchpoints.");
    await guest.server.close();
  }, 60_000);

  it("interrupts, looks at all vCPUs, and lets the boot complete", async () => {
    const guest = await serveKernel({ cpus: 4 });
    const output = await runGdb(
      guest,
      symbols.file,
      [
        "info threads",
        "continue",
        "info threads",
        "thread 3",
        "p/x $MPIDR_EL1 & 0xff",
        "monitor info",
        "monitor stats",
        "thread apply all p/x $pc",
        "detach",
      ],
      { interrupts: 1, runs: () => Number(guest.printed().includes("SMP: Total of 4 processors activated")) },
    );
    expect(output).toMatch(/Thread 1\.1 "cpu0" \(running\)/);
    expect(output).toMatch(/Thread 1\.4 "cpu3" \(powered off\)/);
    expect(output).toContain("received signal SIGINT, Interrupt.");
    expect(output).toMatch(/Thread 1\.4 "cpu3" \((running|halted: waits for an interrupt)\)/);
    expect(output).toContain("$1 = 0x2");
    expect(output).toMatch(/MMIO: \d+/);
    expect(await printedSoon(guest, BOOT_OK_MARKER, 50_000)).toBe(true);
    guest.session.stop();
    await guest.server.close();
  }, 90_000);

  it("finds a kernel that was moved: symbols fit when gdb attaches to the running guest", async () => {
    const guest = await serveKernel({ commandLine: "console=ttyAMA0", seed: 5n });
    const { session } = guest;
    session.symbols.use(symbols.program);
    session.resume(() => ({ kind: "continue" }));
    expect(await printedSoon(guest, "Memory: ", 40_000)).toBe(true);
    const output = await runGdb(guest, symbols.file, [
      "monitor backtrace",
      "monitor symbols",
      "tbreak kmem_cache_alloc",
      "continue",
      "p (void(*)())kmem_cache_alloc",
      "kill",
    ]);
    const slide = session.symbols.slide(session.current) ?? 0n;
    expect(slide).not.toBe(0n);
    expect(output).toContain(`slide ${hex(slide)}`);
    expect(output).toMatch(/^0xffff[0-9a-f]+ in \w+ \(\)/m);
    expect(output).toMatch(/^#\d+ 0x\S+ (start_kernel|kernel_init|ret_from_fork|__primary_switched)\+/m);
    expect(output).toMatch(/Temporary breakpoint 1, 0x[0-9a-f]+ in kmem_cache_alloc/);
    expect(output).toContain(hex(addressOf("kmem_cache_alloc") + slide));
    await guest.server.close();
  }, 60_000);

  it("shows the call stack through leaves, deep in the kernel, at every instruction of a function", async () => {
    const guest = await serveKernel();
    const steps = Array.from({ length: 12 }, () => ["stepi", "backtrace -frame-info location 3"]).flat();
    const output = await runGdb(guest, symbols.file, [
      "tbreak rest_init",
      "continue",
      "tbreak kmem_cache_alloc",
      "continue",
      "backtrace",
      "up",
      "p/x $pc",
      "frame 0",
      ...steps,
      "finish",
      "tbreak generic_handle_domain_irq",
      "continue",
      "echo in an interrupt\\n",
      "backtrace",
      "kill",
    ]);
    const [, rest = ""] = output.split("Temporary breakpoint 2, ");
    const [deep = "", inInterrupt = ""] = rest.split("in an interrupt");
    expect(deep).toMatch(/#[3-9] +0x\S+ in \w+ \(\)\n(#\d+ .*\n)*#\d+ +0x\S+ in start_kernel/);
    // The same caller, wherever in the function.
    const callers = new Set([...deep.matchAll(/^#1 +(0x\S+) in (\w+)/gm)].map(([, pc]) => pc));
    expect(callers.size).toBe(1);
    expect(deep).not.toContain("Backtrace stopped");
    // "finish" ends in the caller.
    expect(deep).toMatch(new RegExp(`${[...callers][0]} in \\w+ \\(\\)\nTemporary breakpoint 3`));
    // Through the interrupt's stack and the exception, to what was interrupted and its thread's beginning.
    expect(inInterrupt).toMatch(
      /in gic_handle_irq \(\)(\n#.*)* in el1h_64_irq \(\)\n#.*(\n#.*)* in (ret_from_fork|__primary_switched) \(\)\n(?!Backtrace stopped)/,
    );
    await guest.server.close();
  }, 60_000);

  it("breakpoints set at reset by symbols are hit where KASLR moves the kernel, and told so", async () => {
    const guest = await serveKernel({ commandLine: "console=ttyAMA0", seed: 5n });
    guest.session.symbols.use(symbols.program);
    const output = await runGdb(guest, symbols.file, [
      "break start_kernel",
      "break rest_init",
      "hbreak kernel_init",
      "continue",
      "p/x $pc",
      "continue",
      "p/x $pc",
      "monitor why",
      "monitor why rest_init",
      `monitor why ${hex(addressOf("rest_init"))}`,
      "continue",
      "p/x $pc",
      "kill",
    ]);
    const slide = guest.session.symbols.slide(guest.session.current) ?? 0n;
    expect(slide).not.toBe(0n);
    const at = (name: string): string => hex(addressOf(name) + slide);
    expect(output).toContain(`KASLR has moved the kernel by ${hex(slide)}`);
    expect(output).toContain(`$1 = ${at("start_kernel")}`);
    expect(output).toContain(`$2 = ${at("rest_init")}`);
    expect(output).toContain(`$3 = ${at("kernel_init")}`);
    expect(output).toMatch(new RegExp(`\\d+: unseen breakpoint at ${at("rest_init")}, hit 1 times`));
    expect(output).toContain(`is where rest_init was linked; KASLR has moved it to ${at("rest_init")}`);
    expect(output).toMatch(/stands for \d+ where KASLR has moved the kernel; it was hit 1 times/);
    await guest.server.close();
  }, 60_000);

  it("takes conditions to the target, and prints on its behalf", async () => {
    const guest = await serveKernel();
    const output = await runGdb(guest, symbols.file, [
      "set breakpoint condition-evaluation target",
      "tbreak start_kernel",
      "continue",
      "set dprintf-style agent",
      'dprintf kmem_cache_create,"cache at %d\\n", 1 + 1',
      "break kmem_cache_alloc if ($x1 & 0xdc0) == 0xdc0",
      "continue",
      "p/x $x1 & 0xdc0",
      "info breakpoints",
      "kill",
    ]);
    expect(output).toMatch(/stop only if \(\$x1 & 0xdc0\) == 0xdc0 \(target evals\)/);
    expect(output).toMatch(/\$\d+ = 0xdc0/);
    expect(output).toContain("cache at 2");
    await guest.server.close();
  }, 60_000);
});
