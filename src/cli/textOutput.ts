import { errorCode, fileProblem } from "./readFile.ts";

/** What is wrong with standard output, in words; undefined when just nobody reads it any more (a pipe, a terminal that has gone). */
export function outputProblem(error: unknown): string | undefined {
  const code = errorCode(error);
  return code === "EPIPE" || code === "EIO" ? undefined : `standard output: ${fileProblem(error)}`;
}

/** Writes text to standard output and waits until the reader has taken it. */
export async function writeText(text: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}
