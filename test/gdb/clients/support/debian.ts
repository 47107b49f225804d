import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readProgramSymbols } from "../../../../src/debugger/programSymbols.ts";
import type { DebugSession } from "../../../../src/debugger/session.ts";
import { recoverKallsyms } from "../../../../src/debugger/symbols/kallsyms/recover.ts";
import { writeSymbolElf } from "../../../../src/debugger/symbols/symbolElf.ts";
import { formatGdbAddress } from "../../../../src/gdb/address.ts";
import { DebuggerTarget } from "../../../../src/gdb/debuggerTarget/target.ts";
import { openImage } from "../../../../src/machine/boot/open.ts";
import { debugGuest, type GuestSetUp } from "../../../debugger/support/guest.ts";
import { requireTool, type ToolState } from "../../../support/tools.ts";
import { serve } from "../../support/serving.ts";

const folder = new URL("../../../../.cache/debian-arm64/", import.meta.url).pathname;
const initramfs = join(folder, "initramfs.cpio.gz");

/** A Linux kernel for arm64: the one that is named in the environment, or Debian's. */
export const KERNEL_IMAGE = process.env["VMEXIT_KERNEL_IMAGE"] ?? join(folder, "vmlinuz");

/** Whether there is a kernel to boot. */
export const kernel: ToolState = existsSync(KERNEL_IMAGE) ? { available: true } : requireTool("debian-arm64");

/** The kernel's symbols in a file for gdb and lldb, as a table, and for a session. */
export async function kernelSymbols() {
  const bytes = readFileSync(KERNEL_IMAGE);
  const program = await readProgramSymbols(bytes);
  const image = await openImage(bytes, 1 << 30);
  if (image.kind !== "arm64-image") throw new Error(`${KERNEL_IMAGE} is no arm64 Image`);
  const { symbols, textBase, memorySize } = recoverKallsyms(image.bytes);
  const scratch = mkdtempSync(join(tmpdir(), "vmexit-symbols-"));
  const file = join(scratch, "kernel.elf");
  writeFileSync(file, writeSymbolElf(symbols, { textBase, memorySize, image: image.bytes }));
  return {
    file,
    table: program.symbols,
    program,
    remove: () => rmSync(scratch, { recursive: true }),
  };
}

/** The kernel at its first instruction behind a gdb server, its console, and how often it has been resumed. */
export async function serveKernel(options: GuestSetUp = {}) {
  const guest = await debugGuest(KERNEL_IMAGE, {
    memoryMiB: 512,
    commandLine: "nokaslr console=ttyAMA0 earlycon=pl011,0x9000000",
    ...(existsSync(initramfs) ? { initrd: initramfs } : {}),
    ...options,
  });
  const { session } = guest;
  let runs = 0;
  session.subscribe((event) => {
    if (event.kind === "running") runs++;
  });
  const target = new DebuggerTarget(session);
  const server = await serve(target);
  return { ...guest, target, server, place: formatGdbAddress(server.address), runs: () => runs };
}

/** Waits until a running guest has printed this, has stopped, or so many milliseconds are over. Returns whether it printed it. */
export async function printedSoon(
  { session, printed }: { readonly session: DebugSession; readonly printed: () => string },
  text: string,
  milliseconds: number,
): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (!printed().includes(text) && session.status.kind === "running" && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return printed().includes(text);
}
