import { afterAll, describe, expect, it } from "vitest";
import { requireTool } from "../../../support/tools.ts";
import { Differential, type DifferentialSpec } from "./harness.ts";

const unicorn = requireTool("libunicorn");
const seed = Number(process.env["ISA_SEED"] ?? 1);
const cases = Number(process.env["ISA_CASES"] ?? 1000);

/** One test for each form: `cases` cases of each of its operations must agree with Unicorn, and all must be reached. */
export function describeDifferential(title: string, specs: readonly DifferentialSpec[]): void {
  describe.skipIf(!unicorn.available)(`${title} agree with Unicorn (ISA_SEED=${seed})`, () => {
    const differential = unicorn.available ? new Differential(seed) : (undefined as never);
    afterAll(() => differential?.close());

    it.each(specs.map((spec) => [spec.encoding, spec] as const))("%s", (_name, spec) => {
      const report = differential.check(spec, cases);
      const total = [...report.compared.values()].reduce((sum, count) => sum + count, 0);
      expect(report.differences, `${report.differing} of ${total} cases differ, ISA_SEED=${seed}`).toEqual(
        [],
      );
      expect(report.unreached, "operations that no word reached").toEqual([]);
    });
  });
}
