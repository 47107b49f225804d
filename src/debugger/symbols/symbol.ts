/**
 * One symbol of a kernel or program.
 * `type` is the letter `nm` prints (T/t text, D/d data, B/b bss, R/r read-only, W/w/V/v weak, A/a absolute);
 * capital letters are global. `address` is unsigned 64-bit and, for a kernel, link-time (no slide applied).
 */
export interface KernelSymbol {
  readonly name: string;
  readonly type: string;
  readonly address: bigint;
}

/** Whether the symbol's letter says that it names code (weak symbols may: the caller checks the section). */
export function isTextSymbol(type: string): boolean {
  return type === "T" || type === "t";
}
