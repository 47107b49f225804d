import { describe, expect, it } from "vitest";
import { Builder, type Meaning } from "../../../../src/engine/ir/builder.ts";
import type { Access, Statement } from "../../../../src/engine/ir/node.ts";
import { packOperands } from "../../../../src/engine/operation.ts";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { arm64Flags } from "../../../../src/isa/arm64/semantics/flags.ts";
import { simd } from "../../../../src/isa/arm64/semantics/simd/index.ts";
import { expandModifiedImmediate } from "../../../../src/isa/arm64/semantics/simd/modifiedImmediate.ts";
import { arm64State } from "../../../../src/isa/arm64/state.ts";
import { TestMachine } from "../differential/machine.ts";
import { layout, TestState } from "../differential/state.ts";

const operations = simd.flatMap((definition) => definition.operations);
const meanings = new Map<string, Meaning>(
  operations.map((operation) => [operation.name, new Builder(arm64Flags).build(operation.meaning)]),
);

/** Statements in program order, both branches of conditions included. */
function flatten(statements: readonly Statement[]): readonly Statement[] {
  return statements.flatMap((statement) =>
    statement.kind === "if"
      ? [statement, ...flatten(statement.whenTrue), ...flatten(statement.whenFalse)]
      : [statement],
  );
}

function accesses(name: string): readonly Access[] {
  return flatten(meanings.get(name)?.statements ?? []).flatMap((statement) => {
    if (statement.kind === "store") return [statement.access];
    return statement.kind === "evaluate" && statement.node.kind === "load" ? [statement.node.access] : [];
  });
}

describe("SIMD operations", () => {
  it("fit their operands into a record", () => {
    for (const operation of operations) expect(() => packOperands(operation), operation.name).not.toThrow();
  });

  it("check first of all whether SIMD is enabled", () => {
    for (const [name, { statements }] of meanings) {
      const [first] = statements;
      expect(first?.kind === "guard" && first.field, name).toEqual(arm64State.fpTrap.place);
    }
  });

  it("do everything that can fault before they write a register", () => {
    for (const [name, { statements }] of meanings) {
      const kinds = flatten(statements).map((statement) =>
        statement.kind === "evaluate" ? statement.node.kind : statement.kind,
      );
      const written = kinds.indexOf("write");
      const faulting = Math.max(
        ...(["load", "store", "raise"] as const).map((kind) => kinds.lastIndexOf(kind)),
      );
      if (written >= 0) expect(written, name).toBeGreaterThan(faulting);
    }
  });

  it("write SIMD registers whole", () => {
    for (const [name, { statements }] of meanings) {
      for (const statement of flatten(statements)) {
        if (statement.kind === "write" && statement.type === "v128") expect(statement.offset, name).toBe(0);
      }
    }
  });
});

describe("structure accesses", () => {
  it.each([
    ["LD4_multiple.arrangement=5.post=0", 4, [16, 16, 16, 16]],
    ["LD3_multiple.arrangement=0.post=0", 1, [16, 8]],
    ["ST2_multiple_post.arrangement=2.post=1", 2, [16]],
    ["ST1_multiple.count=3.arrangement=6.post=0", 8, [16, 8]],
    ["LD2_single.size=3.post=0", 8, [8, 8]],
    ["LD4R_post.size=1.Q=1.post=2", 2, [2, 2, 2, 2]],
  ])("%s moves elements of %i bytes", (name, element, bytes) => {
    expect(accesses(name).map((access) => access.bytes)).toEqual(bytes);
    for (const access of accesses(name)) expect(access.element).toBe(element);
  });
});

describe("a structure access with a misaligned base", () => {
  const machine = new TestMachine(arm64InstructionSet());
  const run = (word: number, base: "sp" | "x0", check: number) => {
    const state = new TestState();
    state.setX(base === "sp" ? 31 : 0, layout.data.address + 0x108n);
    machine.take(state);
    machine.setInt(arm64State.spAlignmentCheck.place.address, check);
    return machine.run([word]);
  };
  const fromStack = 0x4c4073e0; // ld1 {v0.16b}, [sp]
  const fromX0 = 0x4c407000; // ld1 {v0.16b}, [x0]

  it("faults when the base is SP and its alignment is checked", () => {
    expect(run(fromStack, "sp", 1)).toMatchObject({ kind: "call", name: "stackAlignmentFault" });
  });

  it("succeeds when it is not checked", () => {
    expect(run(fromStack, "sp", 0)).toEqual({ kind: "ok" });
  });

  it("succeeds with another base", () => {
    expect(run(fromX0, "x0", 1)).toEqual({ kind: "ok" });
  });
});

// Arm ARM J1.3 AdvSIMDExpandImm
describe("a modified immediate", () => {
  it.each([
    [0, 0, 0xab, 0x0000_00ab_0000_00abn],
    [6, 0, 0xab, 0xab00_0000_ab00_0000n],
    [10, 1, 0xab, 0xab00_ab00_ab00_ab00n],
    [12, 0, 0xab, 0x0000_abff_0000_abffn],
    [13, 0, 0xab, 0x00ab_ffff_00ab_ffffn],
    [14, 0, 0xab, 0xabab_abab_abab_ababn],
    [14, 1, 0b1010_0101, 0xff00_ff00_00ff_00ffn],
    [15, 0, 0x70, 0x3f80_0000_3f80_0000n],
    [15, 1, 0x70, 0x3ff0_0000_0000_0000n],
    [15, 1, 0x80, 0xc000_0000_0000_0000n],
  ])("cmode %i op %i of %i", (cmode, op, imm8, expanded) => {
    expect(expandModifiedImmediate(cmode, op, imm8)).toBe(expanded);
  });
});
