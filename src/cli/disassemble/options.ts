import { Command } from "commander";
import { parseUnsigned64, parseWholeNumber } from "../options/wholeNumber.ts";
import { UserError } from "../userError.ts";

interface Options {
  readonly symbol?: string;
  readonly address?: bigint;
  readonly count?: number;
}

const MOST = 1_000_000;

/** `vmexit disassemble`. `finish` gets the exit status. */
export function disassembleOptions(finish: (status: number) => void): Command {
  return new Command("disassemble")
    .summary("disassemble a function of a kernel image or ELF file")
    .description("Disassembles arm64 code by its symbol or link-time address.")
    .argument("<image>", "a kernel Image, packed or not, or an ELF file")
    .option("--symbol <name>", "a whole function")
    .option("--address <address>", "where to begin", (text) => parseUnsigned64("--address", text))
    .option("--count <n>", "how many instructions", (text) => parseWholeNumber("--count", text, 1, MOST))
    .action(async (image: string, { symbol, address, count }: Options) => {
      const start = symbol ?? address;
      if (start === undefined || (symbol !== undefined && address !== undefined)) {
        throw new UserError("disassemble: say where with either --symbol or --address");
      }
      const { disassembleCommand } = await import("./command.ts");
      finish(await disassembleCommand({ image, start, count }));
    });
}
