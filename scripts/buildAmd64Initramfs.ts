import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { type CpioEntry, writeCpio } from "./initramfs/cpio.ts";
import { fixedFile, fixedWords, initScript } from "./initramfs/init.ts";

/** Builds the initramfs that boots to {@link initScript} around a static busybox for amd64, without arm64's debugging programs. */
const [busyboxPath, outputPath] = process.argv.slice(2);
if (busyboxPath === undefined || outputPath === undefined) {
  process.stderr.write("usage: build-amd64-initramfs <static busybox> <initramfs.cpio.gz to write>\n");
  process.exit(2);
}
const text = new TextEncoder();
const entries: CpioEntry[] = [
  ...["bin", "dev", "proc", "sys", "tmp", "etc"].map((path) => ({ kind: "directory", path }) as const),
  { kind: "device", path: "dev/console", major: 5, minor: 1 },
  { kind: "device", path: "dev/null", major: 1, minor: 3 },
  { kind: "file", path: "bin/busybox", bytes: readFileSync(busyboxPath), executable: true },
  { kind: "link", path: "bin/sh", target: "busybox" },
  { kind: "file", path: "init", bytes: text.encode(initScript()), executable: true },
  { kind: "file", path: "fixed.bin", bytes: fixedFile() },
  { kind: "file", path: "words.txt", bytes: text.encode(fixedWords()) },
];
// Written beside and renamed, so that an interrupted run leaves no half file.
writeFileSync(`${outputPath}.part`, gzipSync(writeCpio(entries), { level: 6 }));
renameSync(`${outputPath}.part`, outputPath);
