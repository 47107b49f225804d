import { describe, expect, test } from "vitest";
import { arm64InstructionSet } from "../../../../src/isa/arm64/instructionSet.ts";
import { arm64State, generalRegisterAddress } from "../../../../src/isa/arm64/state.ts";
import { TestMachine } from "./machine.ts";
import { layout, TestState } from "./state.ts";
import { describeDifferential } from "./suite.ts";
import { systemCases } from "./systemCases.ts";
import { initialX5, systemStatements } from "./systemStatements.ts";

describeDifferential("system instructions", systemCases);

/** What spares instructions a call is not so, unless a row says it is. */
const nothingKnown = { interruptsQuiet: 0n, fetchesChanged: 0n, cacheAccess: 0n };

describe("system instructions", () => {
  const machine = new TestMachine(arm64InstructionSet());

  test.each(systemStatements.map((row) => [row.what, row] as const))(
    "%s",
    (_what, { word, given, call, after, x5 }) => {
      const state = new TestState();
      state.setX(5, initialX5);
      machine.take(state);
      const fieldOf = (name: string) => arm64State[name as keyof typeof arm64State];
      for (const [name, value] of Object.entries({ ...nothingKnown, ...given })) {
        const field = fieldOf(name);
        if (field.type === "i32") machine.setInt(field.place.address, Number(value));
        else machine.setLong(field.place.address, BigInt(value));
      }
      const outcome = machine.run([word]);
      const { name, args } = call ?? {};
      expect(outcome).toEqual(call?.abandons === true ? { kind: "call", name, args } : { kind: "ok" });
      const returned = call === undefined || call.abandons === true ? [] : [{ name, args }];
      expect(machine.calls.map((made) => ({ ...made, args: made.args.map(unsigned) }))).toEqual(returned);
      for (const [name, value] of Object.entries(after ?? {}))
        expect(machine.getLong(fieldOf(name).place.address) & 0xffff_ffffn, name).toBe(value);
      expect(machine.getLong(generalRegisterAddress(5))).toBe(x5 ?? initialX5);
      expect(machine.pc).toBe(layout.code.address + (call?.abandons === true ? 0n : 4n));
    },
  );
});

const unsigned = (value: number | bigint): number | bigint =>
  typeof value === "bigint" ? BigInt.asUintN(64, value) : value;
