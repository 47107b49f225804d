import { describe, expect, test } from "vitest";
import type { InstructionSet, Operation } from "../../../../src/engine/operation.ts";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { requireTool } from "../../../support/tools.ts";
import { Differential } from "./harness.ts";

const unicorn = requireTool("libunicorn");
const good = arm64InstructionSet();

/** The instruction set with one operation's meaning exchanged for another's. */
function broken(name: string, byName: string): InstructionSet {
  const other = good.operations.find((operation) => operation.name === byName);
  if (other === undefined) throw new Error(`no operation ${byName}`);
  const replace = (operation: Operation): Operation =>
    operation.name === name
      ? { name, operands: operation.operands, hot: operation.hot, meaning: (b) => other.meaning(b) }
      : operation;
  return { ...good, operations: good.operations.map(replace) };
}

describe.skipIf(!unicorn.available)("the differential harness finds", () => {
  test.each([
    ["a wrong result", "ADD_imm", "ADD_imm.sf=1", "SUB_imm.sf=1"],
    ["flags that are not set", "SUBS_imm", "SUBS_imm.sf=0", "SUB_imm.sf=0"],
    [
      "an upper half that is not cleared",
      "ORR_shifted",
      "ORR_shifted.sf=0.shift=0",
      "ORR_shifted.sf=1.shift=0",
    ],
    ["a wrong target", "CBZ", "CBZ.sf=1", "CBNZ.sf=1"],
    ["a missing store", "STUR", "STUR.size=3.sp=0", "STUR.size=2.sp=0"],
    ["a missing exception", "BRK", "BRK", "SVC"],
  ])("%s", (_what, encoding, name, byName) => {
    const differential = new Differential(1, broken(name, byName));
    const { data } = { data: 0x1000_1000n };
    const report = differential.check(
      {
        encoding,
        arrange: (state) => {
          if (encoding === "STUR") for (let n = 0; n < 31; n++) state.setX(n, data + BigInt(n) * 64n);
        },
      },
      50,
    );
    differential.close();
    expect(report.differing).toBeGreaterThan(0);
    expect(report.differences[0]).toContain(name);
  });
});
