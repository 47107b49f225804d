import { describe, expect, it } from "vitest";
import type { ArchitectureDescription } from "../../src/gdb/architecture.ts";
import { arm64Architecture } from "../../src/gdb/arm64/architecture.ts";
import { DescriptionError, RegisterFile } from "../../src/gdb/registerFile.ts";

const ARM64 = arm64Architecture([{ name: "ESR_EL1" }, { name: "CNTFRQ_EL0", bits: 32 }]);

function text(file: RegisterFile, annex: string): string {
  return new TextDecoder().decode(file.documents.get(annex));
}

describe("the arm64 description", () => {
  const file = new RegisterFile(ARM64);

  it("has a document for each feature, and one that includes them", () => {
    expect([...file.documents.keys()]).toEqual([
      "target.xml",
      "aarch64-core.xml",
      "aarch64-fpu.xml",
      "aarch64-system.xml",
    ]);
    expect(text(file, "target.xml")).toContain('<xi:include href="aarch64-core.xml"/>');
    expect(text(file, "aarch64-core.xml")).toContain(
      '<reg name="cpsr" bitsize="32" type="cpsr_flags" regnum="33"',
    );
    expect(text(file, "aarch64-system.xml")).toContain(
      '<reg name="CNTFRQ_EL0" bitsize="32" type="uint32" regnum="69" group="system" save-restore="no"/>',
    );
  });

  it("leaves out the system feature when there are no system registers", () => {
    expect(new RegisterFile(arm64Architecture()).documents.has("aarch64-system.xml")).toBe(false);
  });

  it("puts x0–x30, sp, pc and cpsr into the g packet, in this order", () => {
    expect(file.general.map(({ register, offset }) => [register.name, offset]).slice(30)).toEqual([
      ["x30", 240],
      ["sp", 248],
      ["pc", 256],
      ["cpsr", 264],
    ]);
    expect(file.generalBytes).toBe(268);
    expect(file.pc.register.regnum).toBe(32);
    expect(file.largest).toBe(16);
  });

  it("turns values into the guest's bytes and back", () => {
    expect([...file.bytesOf(0x0102n, 4)]).toEqual([2, 1, 0, 0]);
    expect(file.valueOf(Uint8Array.of(2, 1, 0, 0))).toBe(0x0102n);
    const big = new RegisterFile({ ...ARM64, endian: "big" });
    expect([...big.bytesOf(0x0102n, 4)]).toEqual([0, 0, 1, 2]);
    expect(big.valueOf(Uint8Array.of(0, 0, 1, 2))).toBe(0x0102n);
  });
});

describe("a description that contradicts itself", () => {
  const [core, fpu] = ARM64.features;
  if (core === undefined || fpu === undefined) throw new Error("arm64 has two features at least");

  it.each<readonly [string, Partial<ArchitectureDescription>]>([
    ["two registers of one number", { features: [core, { ...core, annex: "again.xml" }] }],
    ["two documents of one name", { features: [core, { ...fpu, annex: core.annex }] }],
    [
      "a general register behind one that is not",
      {
        features: [
          { ...core, general: false },
          { ...fpu, general: true },
        ],
      },
    ],
    ["no pc", { features: [fpu], expedited: [] }],
    ["an expedited register that does not exist", { expedited: [999] }],
  ])("is refused: %s", (_name, change) => {
    expect(() => new RegisterFile({ ...ARM64, ...change })).toThrow(DescriptionError);
  });
});
