import { parseArgs } from "node:util";
import { differentialCases } from "../test/isa/arm64/differential/cases.ts";
import { Differential } from "../test/isa/arm64/differential/harness.ts";
import { unicornAvailable } from "../test/oracle/unicorn.ts";

const usage = `usage: npm run fuzz:isa -- [--seconds N] [--only REGEX] [--seed N] [--cases N]
Compares random A64 instructions on random states with Unicorn until the time is up (default 60 s).
  --only REGEX  only forms whose name in the decode tables matches
  --seed N      the first seed; each pass over the forms adds one (default: from the clock)
  --cases N     cases of each operation in a pass (default 200)
The exit status is 1 when a case differs.
`;

const shownReports = 10;

function wholeNumber(text: string | undefined, name: string, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new TypeError(`--${name} wants a whole number, not ${text}`);
  return value;
}

function options() {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string" },
      only: { type: "string" },
      seed: { type: "string" },
      cases: { type: "string" },
    },
  });
  return {
    seconds: wholeNumber(values.seconds, "seconds", 60),
    only: new RegExp(values.only ?? ""),
    seed: wholeNumber(values.seed, "seed", Date.now() % 0x8000_0000),
    cases: wholeNumber(values.cases, "cases", 200),
  };
}

/** Fuzzes; returns how many cases differed. */
function fuzz({ seconds, only, seed, cases }: ReturnType<typeof options>): number {
  const specs = differentialCases.filter(({ encoding }) => only.test(encoding));
  if (specs.length === 0) throw new TypeError(`--only ${only.source} matches no form`);
  const end = performance.now() + seconds * 1000;
  let compared = 0;
  let differing = 0;
  let reports = 0;
  let pass = seed;
  for (; performance.now() < end; pass++) {
    const differential = new Differential(pass);
    for (const spec of specs) {
      if (performance.now() >= end) break;
      const report = differential.check(spec, cases);
      for (const count of report.compared.values()) compared += count;
      differing += report.differing;
      if (report.differing === 0 || ++reports > shownReports) continue;
      process.stdout.write(`${report.encoding}: ${report.differing} cases differ (--seed ${pass})\n`);
      for (const difference of report.differences) process.stdout.write(`  ${difference}\n`);
    }
    differential.close();
  }
  process.stdout.write(
    `${compared} cases of ${specs.length} forms, seeds ${seed} to ${pass - 1}: ${differing} differ\n`,
  );
  return differing;
}

try {
  const chosen = options();
  if (!unicornAvailable)
    throw new TypeError("libunicorn.so.2 is missing (Debian: apt-get install libunicorn2)");
  process.exitCode = fuzz(chosen) === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`fuzz-isa: ${error instanceof Error ? error.message : error}\n${usage}`);
  process.exitCode = 2;
}
