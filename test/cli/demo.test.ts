import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expected, vmexit } from "./support/cli.ts";

describe("vmexit demo", () => {
  const { status, stdout, stderr } = vmexit(["demo"]);

  it("runs through without a terminal and without colours", () => {
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).not.toContain("\x1b");
    expect(stdout).toMatch(/1\. Power on[\s\S]*\n6\. Let it go/);
  });

  it("shows all that the guest prints, twice up to the reset, marked as the guest's", () => {
    const lines = stdout.split("\n").flatMap((line) => /^ {2}guest \| (.*)$/.exec(line)?.[1] ?? []);
    const all = readFileSync(expected("demo"), "utf8").trimEnd().split("\n");
    expect(lines).toEqual([...all.slice(0, 5), ...all]);
  });

  it("catches the write that no accountant made, before and after it happens", () => {
    expect(stdout).toContain("copy_text is no accountant");
    expect(stdout).toMatch(/=> 0x[0-9a-f]{16} {2}3900011f {2}strb +wzr, \[x8\]/);
    expect(stdout).toMatch(
      /#0 0x[0-9a-f]+ copy_text +at arm64\/demo\/main\.c:31\n +#1 0x[0-9a-f]+ print_receipt/,
    );
    expect(stdout).toMatch(/ f5 05 00 00 00 00 00 00 [\s\S]* 00 05 00 00 00 00 00 00 /);
    expect(stdout).toContain("1280");
  });

  it("is what happens when nothing is asked for, and the same every time", () => {
    expect(vmexit([])).toEqual({ status, stdout, stderr });
  });
});
