/** Writes a line for the user. */
export const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** A table with columns as wide as their widest cell; the first is left-aligned, the others are numbers. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

/** A number with this many decimals and commas between thousands. */
export const number = (value: number, decimals = 0): string =>
  value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

/** What was reached beside what is wanted. */
export const goal = (reached: boolean, wanted: string): string =>
  `${reached ? "reached" : "NOT reached"} (goal ${wanted})`;
