import { Command } from "commander";

/** `vmexit symbols`. `finish` gets the exit status. */
export function symbolsOptions(finish: (status: number) => void): Command {
  return new Command("symbols")
    .summary("the symbols of a kernel image, also of a stripped one")
    .description(
      "Recovers the symbols of an arm64 kernel Image (packed or not) from the table it carries for its own backtraces, or reads " +
        "an ELF file's: address, type and name in each line, as /proc/kallsyms has them.",
    )
    .argument("<image>", "the kernel, or an ELF file")
    .option(
      "-o, --output <file>",
      "write an ELF file with symbols and code, for gdb's symbol-file and others",
    )
    .action(async (image: string, options: { readonly output?: string }) => {
      const { symbolsCommand } = await import("./command.ts");
      finish(await symbolsCommand({ image, output: options.output }));
    });
}
