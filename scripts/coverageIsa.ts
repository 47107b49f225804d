import { a64Encodings } from "../src/isa/arm64/decode.ts";
import { arm64InstructionSet } from "../src/isa/arm64/instructionSet.ts";
import { a64Definitions } from "../src/isa/arm64/semantics/index.ts";
import { differentialCases, statedWords } from "../test/isa/arm64/differential/cases.ts";

/** What is known of one form of the decode tables. */
interface Row {
  readonly encoding: string;
  readonly operations: number;
  readonly implemented: boolean;
  /** Operations compared with Unicorn. */
  readonly compared: number;
  /** Further operations whose effect a test states. */
  readonly stated: number;
}

function coverage(): readonly Row[] {
  const set = arm64InstructionSet();
  const implemented = new Set(a64Definitions.map(({ encoding }) => encoding));
  const statedOperations = new Set(
    statedWords.map((word) => set.operations[set.decode(word)?.operation ?? set.undefinedOperation]?.name),
  );
  return a64Encodings.map(({ name: encoding }) => {
    const operations = set.operations
      .map(({ name }) => name)
      .filter((name) => name === encoding || name.startsWith(`${encoding}.`));
    const specs = differentialCases.filter((spec) => spec.encoding === encoding);
    const compared = operations.filter((name) => specs.some((spec) => spec.operations?.(name) ?? true));
    const stated = operations.filter((name) => !compared.includes(name) && statedOperations.has(name));
    return {
      encoding,
      operations: operations.length,
      implemented: implemented.has(encoding),
      compared: compared.length,
      stated: stated.length,
    };
  });
}

const rows = coverage();
const width = Math.max(...rows.map(({ encoding }) => encoding.length));
const isTested = ({ operations, compared, stated }: Row): boolean => compared + stated === operations;
for (const row of rows) {
  const { encoding, operations, implemented, compared, stated } = row;
  const columns = [
    encoding.padEnd(width),
    "decoded",
    implemented ? "implemented" : "MISSING    ",
    isTested(row) ? "tested    " : "NOT TESTED",
    `${operations} operations: ${compared} compared with Unicorn${stated > 0 ? `, ${stated} stated` : ""}`,
  ];
  process.stdout.write(`${columns.join("  ")}\n`);
}
const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
const untested = rows.filter((row) => !isTested(row));
process.stdout.write(
  `${rows.length} forms decoded, ${sum((row) => Number(row.implemented))} implemented, ` +
    `${rows.length - untested.length} tested; ` +
    `${sum(({ operations }) => operations)} operations, ${sum(({ compared }) => compared)} compared with Unicorn, ` +
    `${sum(({ stated }) => stated)} stated\n`,
);
if (untested.length > 0) {
  process.stdout.write(`not tested: ${untested.map(({ encoding }) => encoding).join(", ")}\n`);
  process.exitCode = 1;
}
