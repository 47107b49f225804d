import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { type CpioEntry, writeCpio } from "./initramfs/cpio.ts";
import { type DebugPrograms, debugChecks } from "./initramfs/debugChecks.ts";
import { fixedFile, fixedWords, initScript } from "./initramfs/init.ts";
import { fillKernelModule } from "./initramfs/kernelModule.ts";

/** Build the initramfs that boots to {@link initScript} around a static busybox. */
function buildInitramfs(busybox: Uint8Array, programs: DebugPrograms): Uint8Array {
  const text = new TextEncoder();
  const entries: CpioEntry[] = [
    ...["bin", "dev", "proc", "sys", "tmp", "etc"].map((path) => ({ kind: "directory", path }) as const),
    { kind: "device", path: "dev/console", major: 5, minor: 1 },
    { kind: "device", path: "dev/null", major: 1, minor: 3 },
    { kind: "file", path: "bin/busybox", bytes: busybox, executable: true },
    { kind: "link", path: "bin/sh", target: "busybox" },
    { kind: "file", path: "init", bytes: text.encode(initScript(debugChecks(programs))), executable: true },
    { kind: "file", path: "ptrace", bytes: programs.ptrace, executable: true },
    { kind: "file", path: "traps.ko", bytes: programs.traps },
    { kind: "file", path: "fixed.bin", bytes: fixedFile() },
    { kind: "file", path: "words.txt", bytes: text.encode(fixedWords()) },
  ];
  return writeCpio(entries);
}

const [busyboxPath, modulePath, guestsPath, outputPath] = process.argv.slice(2);
if (
  busyboxPath === undefined ||
  modulePath === undefined ||
  guestsPath === undefined ||
  outputPath === undefined
) {
  process.stderr.write(
    "usage: build-initramfs <static busybox> <any module of the kernel> <guests/linux-arm64> <initramfs.cpio.gz to write>\n",
  );
  process.exit(2);
}
const programs: DebugPrograms = {
  ptrace: readFileSync(`${guestsPath}/ptrace/ptrace.elf`),
  traps: fillKernelModule(readFileSync(`${guestsPath}/traps/traps.ko`), readFileSync(modulePath)),
};
const archive = gzipSync(buildInitramfs(readFileSync(busyboxPath), programs), { level: 6 });
// Written beside and renamed, so that an interrupted run leaves no half file.
writeFileSync(`${outputPath}.part`, archive);
renameSync(`${outputPath}.part`, outputPath);
