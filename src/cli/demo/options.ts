import { Command } from "commander";

/** `vmexit demo`. `finish` gets the exit status. */
export function demoOptions(finish: (status: number) => void): Command {
  return new Command("demo")
    .summary("a guest with a bug, found with a watchpoint: what this program is for, in a minute")
    .option("--no-pause", "do not wait for Enter between the scenes")
    .action(async (options: { readonly pause: boolean }) => {
      const { demoCommand } = await import("./command.ts");
      finish(await demoCommand(options));
    });
}
