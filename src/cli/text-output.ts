/** Writes text to standard output and waits until the reader has taken it. */
export async function writeText(text: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}
