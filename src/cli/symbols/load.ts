import { DebuggerError } from "../../debugger/errors.ts";
import type { DebugSession } from "../../debugger/session.ts";
import { ElfError } from "../../debugger/symbols/elfError.ts";
import { KallsymsError } from "../../debugger/symbols/kallsyms/kallsymsError.ts";
import { KernelImageError } from "../../debugger/symbols/kernelImageError.ts";
import { BootImageError } from "../../machine/boot/bootError.ts";

/** What the readers of symbols throw at a file they cannot use. */
const REFUSALS = [BootImageError, DebuggerError, ElfError, KallsymsError, KernelImageError];

/** Why a file gives no symbols, or undefined if `error` is something else. */
export function symbolProblem(error: unknown): string | undefined {
  return REFUSALS.some((kind) => error instanceof kind) ? (error as Error).message : undefined;
}

/** Gives a session the symbols of its guest's image. A guest without any is debugged by addresses. */
export async function loadSymbols(
  session: DebugSession,
  image: Uint8Array,
  say: (text: string) => void,
): Promise<void> {
  try {
    await session.symbols.load(image);
  } catch (error) {
    const problem = symbolProblem(error);
    if (problem === undefined) throw error;
    say(`vmexit: no symbols: ${problem}`);
  }
}
