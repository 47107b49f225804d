import { SymbolTable } from "../../debugger/symbols/symbolTable.ts";
import { exitStatus } from "../exitStatus.ts";
import { type ProgramFile, readProgramFile } from "../programFile.ts";
import { showDisassembly } from "../show/disassembly.ts";
import { hex } from "../show/number.ts";
import { writeText } from "../textOutput.ts";
import { UserError } from "../userError.ts";

/** What `vmexit disassemble` was asked for. */
export interface DisassembleRequest {
  readonly image: string;
  /** A symbol's name or an address. */
  readonly start: string | bigint;
  /** Instructions; left out, as far as the symbol reaches. */
  readonly count: number | undefined;
}

/** Instructions shown of what has no size. */
const USUAL_COUNT = 16;

/** Disassembles a function of a kernel image or ELF file. @returns the exit status @throws UserError */
export async function disassembleCommand({ image, start, count }: DisassembleRequest): Promise<number> {
  const program = await readProgramFile(image);
  const table = SymbolTable.from(program.symbols);
  const address = typeof start === "bigint" ? start : table.addressOf(start);
  if (address === undefined) {
    throw new UserError(`--symbol ${start}: ${image} has no such symbol; vmexit symbols lists them`);
  }
  if (address % 4n !== 0n) {
    throw new UserError(`${hex(address)} is not a multiple of 4, where instructions are`);
  }
  if (program.read(address, 4) === undefined) {
    throw new UserError(`${hex(address)} is not in ${image}`);
  }
  const lines = showDisassembly(
    { read: program.read, describe: (at) => table.describe(at) },
    address,
    count ?? (typeof start === "string" ? lengthOf(program, table, address) : USUAL_COUNT),
  );
  await writeText(`${lines.join("\n")}\n`);
  return exitStatus.done;
}

/** Instructions of the function at an address, without the padding behind it. */
function lengthOf({ read }: ProgramFile, table: SymbolTable, address: bigint): number {
  const size = table.locate(address)?.symbol.size ?? 0;
  let count = Math.floor(size / 4);
  while (count > 1 && read(address + BigInt(count * 4 - 4), 4)?.every((byte) => byte === 0) !== false) {
    count -= 1;
  }
  return count > 0 ? count : USUAL_COUNT;
}
