import { writeFileSync } from "node:fs";
import { ElfError } from "../../debugger/symbols/elfError.ts";
import type { KernelSymbol } from "../../debugger/symbols/symbol.ts";
import { writeSymbolElf } from "../../debugger/symbols/symbolElf.ts";
import { exitStatus } from "../exitStatus.ts";
import { readProgramFile } from "../programFile.ts";
import { fileProblem } from "../readFile.ts";
import { writeText } from "../textOutput.ts";
import { UserError } from "../userError.ts";

/** What `vmexit symbols` was asked for. */
export interface SymbolsRequest {
  readonly image: string;
  /** An ELF file to write; left out, the symbols are listed. */
  readonly output: string | undefined;
}

/** Lists the symbols of a kernel image or ELF file, or writes a kernel's as an ELF file. @returns the exit status @throws UserError */
export async function symbolsCommand({ image, output }: SymbolsRequest): Promise<number> {
  const program = await readProgramFile(image);
  if (output === undefined) {
    if (program.symbols.length === 0)
      throw new UserError(`image ${image}: it has no symbols; it was stripped`);
    await writeText(listing(program.symbols));
    return exitStatus.done;
  }
  if (program.kernel === undefined) {
    throw new UserError(
      `image ${image}: it is an ELF file, which debuggers read as it is; leave -o out to list it`,
    );
  }
  const { recovered, image: bytes } = program.kernel;
  const { textBase, memorySize } = recovered;
  try {
    writeFileSync(output, writeSymbolElf(recovered.symbols, { textBase, memorySize, image: bytes }));
  } catch (error) {
    if (error instanceof ElfError) throw new UserError(`image ${image}: ${error.message}`);
    throw new UserError(`-o ${output}: ${fileProblem(error)}`);
  }
  process.stderr.write(`vmexit: ${recovered.symbols.length} symbols written to ${output}\n`);
  return exitStatus.done;
}

/** As in /proc/kallsyms. */
function listing(symbols: readonly KernelSymbol[]): string {
  return symbols
    .map(({ address, type, name }) => `${address.toString(16).padStart(16, "0")} ${type} ${name}\n`)
    .join("");
}
