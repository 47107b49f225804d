import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { correctionsOf, listGuests, manualOutput, qemuCommand } from "../../scripts/guests/catalogue.ts";
import { requireTool } from "../support/tools.ts";

const clang = requireTool("clang");
const qemu = requireTool("qemu-system-aarch64");
const folder = new URL("../../guests/", import.meta.url).pathname;
const guests = listGuests(folder);

/** The compiler's version, as it stands in the images' `.comment` section. */
const COMMENT = /clang version (\d+\.\d+\.\d+)/;
const versionOf = (text: string): string => COMMENT.exec(text)?.[1] ?? "unknown";
const installedClang = clang.available
  ? versionOf(spawnSync("clang", ["--version"], { encoding: "utf8" }).stdout)
  : "none";
const committedClang = versionOf(readFileSync(join(folder, "arm64/hello/hello.elf"), "latin1"));
const sameCompiler = installedClang === committedClang;

describe.skipIf(!clang.available)("guests/build.sh", () => {
  it("rebuilds every committed image to the same bytes, in any folder", (context) => {
    if (!sameCompiler)
      context.skip(`the images were built with clang ${committedClang}; here is ${installedClang}`);
    const out = mkdtempSync(join(tmpdir(), "vmexit-guests-"));
    try {
      const build = spawnSync(join(folder, "build.sh"), ["--out", out], { encoding: "utf8" });
      expect(build.stderr).toBe("");
      expect(build.status).toBe(0);
      for (const guest of guests) {
        const rebuilt = readFileSync(join(out, guest.arch, `${guest.name}.elf`));
        expect(rebuilt.equals(readFileSync(guest.elf)), `${guest.name} differs: run guests/build.sh`).toBe(
          true,
        );
      }
      for (const program of ["ptrace/ptrace.elf", "traps/traps.ko"]) {
        const rebuilt = readFileSync(join(out, "linux-arm64", basename(program)));
        const committed = readFileSync(join(folder, "linux-arm64", program));
        expect(rebuilt.equals(committed), `${program} differs: run guests/build.sh`).toBe(true);
      }
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});

describe("the guests", () => {
  it("carry no path of the machine they were built on", () => {
    for (const guest of guests) {
      expect(readFileSync(guest.elf, "latin1").includes("/guests/"), guest.name).toBe(false);
    }
  });

  it("expect no failure", () => {
    for (const guest of guests) expect(manualOutput(guest), guest.name).not.toMatch(/FAILED/);
  });

  it("say of each difference between QEMU and the manual why it is one", () => {
    for (const { why, qemu, manual } of guests.flatMap(correctionsOf)) {
      expect(why).toMatch(/Arm ARM|As above|The sum/);
      expect(manual).not.toEqual(qemu);
    }
  });

  it("hash as Node does (bench-sha256)", () => {
    const buffer = new Uint8Array(65536);
    let digest = new Uint8Array();
    for (let n = 0; n < 300; n++) {
      digest = new Uint8Array(createHash("sha256").update(buffer).digest());
      buffer.set(digest, (n % 2048) * 32);
    }
    const words = new DataView(digest.buffer, digest.byteOffset);
    const text = Array.from({ length: 8 }, (_, n) => `0x${words.getUint32(n * 4).toString(16)}`).join(" ");
    expect(readFileSync(join(folder, "arm64/bench-sha256/expected.txt"), "utf8")).toContain(text);
  });
});

describe.skipIf(!qemu.available)("under QEMU", () => {
  for (const guest of guests) {
    const [program, ...args] = qemuCommand(guest);
    const expected = readFileSync(guest.expected, "utf8");
    if (guest.ends === "power-off") {
      it(`${guest.arch}/${guest.name} prints what is expected of it and powers off`, () => {
        const run = spawnSync(program, args, { encoding: "utf8", timeout: 100_000, input: "" });
        expect(run.stdout).toBe(expected);
        expect(run.error).toBeUndefined();
        expect(run.status).toBe(0);
      }, 120_000);
    } else {
      it(`${guest.arch}/${guest.name} prints what is expected of it and never ends`, () => {
        const run = spawnSync(program, args, { encoding: "utf8", timeout: 2_000, input: "" });
        expect(run.stdout).toBe(expected);
        expect(run.error).toMatchObject({ code: "ETIMEDOUT" });
      });
    }
  }
});
