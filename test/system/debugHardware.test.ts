import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { BOOT_FAILED_MARKER, BOOT_OK_MARKER } from "../../scripts/initramfs/init.ts";
import { type ProgramSymbols, readProgramSymbols } from "../../src/debugger/programSymbols.ts";
import { debugGuest } from "../debugger/support/guest.ts";
import { requireTool } from "../support/tools.ts";

const folder = new URL("../../.cache/debian-arm64/", import.meta.url).pathname;
const debian = requireTool("debian-arm64");
const kernel = `${folder}vmlinuz`;
const minutes = 60_000;
const poweredOff = { kind: "ended", reason: "power-off" } as const;

/** Debian's kernel at its first instruction, about to run the checks of its debug hardware. */
const bootChecks = () =>
  debugGuest(kernel, {
    memoryMiB: 512,
    commandLine: "console=ttyAMA0 nokaslr vmexit.debug",
    initrd: `${folder}initramfs.cpio.gz`,
  });

/** What the checks printed, without the kernel's own messages. */
const checksIn = (console: string): readonly string[] => console.match(/^check .*$/gm) ?? [];

function expectAllRight(console: string): void {
  expect(console).not.toContain("FAILED");
  expect(console).toContain("ptrace: all ok");
  expect(console).toContain("vmexit: debug checks done");
  expect(console).toContain(BOOT_OK_MARKER);
  expect(console).not.toContain(BOOT_FAILED_MARKER);
}

describe.skipIf(!debian.available)(
  "Debian's kernel uses the debug hardware under an attached debugger",
  () => {
    let symbols: ProgramSymbols;
    let alone: readonly string[] = [];
    const address = (name: string): bigint => {
      const found = symbols.symbols.addressOf(name);
      if (found === undefined) throw new Error(`Debian's kernel has no ${name}`);
      return found;
    };
    beforeAll(async () => {
      symbols = await readProgramSymbols(readFileSync(kernel));
    });

    it(
      "S1.5, S1.6: kprobes, uprobes, WARN, BUG and ptrace, with nothing planted",
      async () => {
        const guest = await bootChecks();
        expect(await guest.session.continue()).toEqual(poweredOff);
        expectAllRight(guest.printed());
        alone = checksIn(guest.printed());
        expect(alone.length).toBeGreaterThan(40);
      },
      5 * minutes,
    );

    it(
      "S1.8: the same with patched, unseen and hardware breakpoints and a hardware watchpoint elsewhere",
      async () => {
        const guest = await bootChecks();
        const { session } = guest;
        session.symbols.use(symbols);
        // Patched ones need memory that is mapped.
        expect(await session.runTo("kernel_init_freeable")).toMatchObject({ reason: { kind: "breakpoint" } });
        const hits = new Map<string, number>();
        const count = (what: string) => (): boolean => {
          hits.set(what, (hits.get(what) ?? 0) + 1);
          return false;
        };
        const planted = [
          ["unseen", "__arm64_sys_newuname"],
          ["unseen", "ptrace_request"],
          ["patched", "__arm64_sys_getcwd"],
          ["patched", "arch_ptrace"],
          ["hardware", "__arm64_sys_mount"],
          ["hardware", "__arm64_sys_finit_module"],
        ] as const;
        for (const [kind, name] of planted)
          session.breakpoints.add({ address: address(name), kind, condition: count(name) });
        // The kernel reads the text that it probes.
        session.breakpoints.watch({
          address: address("__arm64_sys_sethostname"),
          length: 4,
          access: "read",
          condition: count("watchpoint"),
        });
        expect(await session.continue()).toEqual(poweredOff);
        expectAllRight(guest.printed());
        if (alone.length > 0) expect(checksIn(guest.printed())).toEqual(alone);
        expect(hits.get("ptrace_request")).toBeGreaterThan(100);
        expect(hits.get("arch_ptrace")).toBeGreaterThan(100);
        expect(hits.get("__arm64_sys_mount")).toBeGreaterThan(2);
        expect(hits.get("watchpoint")).toBeGreaterThan(0);
      },
      5 * minutes,
    );

    it(
      "S1.7: the same with the user's breakpoints on the probed instructions and on what is traced",
      async () => {
        const guest = await bootChecks();
        const { session } = guest;
        session.symbols.use(symbols);
        expect(await session.runTo("kernel_init_freeable")).toMatchObject({ reason: { kind: "breakpoint" } });
        const probed = address("__arm64_sys_sethostname");
        const hits = new Map<string, number>();
        const add = (kind: "unseen" | "patched" | "hardware", at: bigint, what: string): void => {
          const condition = (): boolean => {
            hits.set(what, (hits.get(what) ?? 0) + 1);
            return false;
          };
          session.breakpoints.add({ address: at, kind, condition });
        };
        // The kernel plants its BRK on the first and the third instruction. It would refuse to where it reads a BRK that is not
        // its own, so the patched one stands between them.
        add("hardware", probed, "entry");
        add("patched", probed + 4n, "between");
        add("unseen", probed + 8n, "inside");
        add("hardware", address("breakpoint_handler"), "its handler of breakpoints");
        add("patched", address("watchpoint_handler"), "its handler of watchpoints");
        add("unseen", address("single_step_handler"), "its handler of steps");
        add("patched", address("brk_handler"), "its handler of BRK");
        expect(await session.continue()).toEqual(poweredOff);
        expectAllRight(guest.printed());
        if (alone.length > 0) expect(checksIn(guest.printed())).toEqual(alone);
        expect(hits.get("entry")).toBe(7);
        expect(hits.get("between")).toBe(7);
        expect(hits.get("inside")).toBe(7);
        expect(hits.get("its handler of breakpoints")).toBeGreaterThan(10);
        expect(hits.get("its handler of watchpoints")).toBeGreaterThan(30);
        expect(hits.get("its handler of steps")).toBeGreaterThan(250);
        expect(hits.get("its handler of BRK")).toBeGreaterThan(10);
      },
      5 * minutes,
    );
  },
);
