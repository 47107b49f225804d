import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scenario } from "./scenario.ts";

/** Where guests are assembled for. */
export const codeAt = 0x1000;

/** A guest's code and where its labels are. */
export interface GuestCode {
  readonly hex: string;
  readonly labels: Readonly<Record<string, number>>;
}

const codes = { real: ".code16", protected: ".code32", long: ".code64", user: ".code64" } as const;

const labelsOf = (text: string): string[] =>
  [...text.matchAll(/^\s*(\w+):/gm)].map((match) => match[1] ?? "");

/** Assembles a guest with clang and LLD. @throws with what they say */
export function assemble({ name, mode, text }: Scenario): GuestCode {
  const labels = labelsOf(text);
  const source = [
    codes[mode],
    ".intel_syntax noprefix",
    text,
    "table_of_labels:",
    ...labels.map((label) => `.long ${label}`),
    "",
  ].join("\n");
  const folder = mkdtempSync(join(tmpdir(), "vmexit-guest-"));
  try {
    const output = join(folder, "guest.bin");
    writeFileSync(join(folder, "guest.s"), source);
    const target = codes[mode] === ".code64" ? "x86_64-unknown-none-elf" : "i386-unknown-none-elf";
    run("clang", [`--target=${target}`, "-c", "-o", join(folder, "guest.o"), join(folder, "guest.s")], name);
    run(
      "ld.lld",
      ["--oformat=binary", `-Ttext=0x${codeAt.toString(16)}`, "-o", output, join(folder, "guest.o")],
      name,
    );
    const bytes = readFileSync(output);
    const tableAt = bytes.length - 4 * labels.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset + tableAt);
    return {
      hex: bytes.subarray(0, tableAt).toString("hex"),
      labels: Object.fromEntries(labels.map((label, i) => [label, view.getUint32(4 * i, true)])),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(program: string, options: readonly string[], guest: string): void {
  const { status, stderr, error } = spawnSync(program, options, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${guest}: ${stderr}`);
}
