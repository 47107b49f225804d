import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { GdbServerError } from "../gdb/address.ts";
import { bundledVersion } from "./build.ts";
import { demoOptions } from "./demo/options.ts";
import { disassembleOptions } from "./disassemble/options.ts";
import { exitStatus } from "./exitStatus.ts";
import { oneLine } from "./oneLine.ts";
import { packageFolder } from "./packageFolder.ts";
import { completeGdb, runOptions } from "./run/options.ts";
import { symbolsOptions } from "./symbols/options.ts";
import { UserError } from "./userError.ts";

function version(): string {
  if (bundledVersion !== undefined) return bundledVersion;
  const text = readFileSync(new URL("package.json", packageFolder), "utf8");
  return String((JSON.parse(text) as { readonly version?: unknown }).version);
}

/** What happens when nothing is asked for. */
const DEFAULT_COMMAND = "demo";

/**
 * Runs the command line.
 * @param args what follows the program's name
 * @returns the exit status
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let status: number = exitStatus.done;
  const finish = (value: number): void => {
    status = value;
  };
  const program = new Command("vmexit")
    .description(
      "Guest debugging from outside: runs arm64 guests on any machine with Node, and shows what they do.",
    )
    .version(version(), "-V, --version", "print the version")
    .helpCommand(false);
  for (const command of [
    demoOptions(finish),
    runOptions(finish),
    symbolsOptions(finish),
    disassembleOptions(finish),
  ])
    program.addCommand(command);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  try {
    await program.parseAsync(args.length === 0 ? [DEFAULT_COMMAND] : completeGdb(args), { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return refusal(error);
    if (error instanceof UserError || error instanceof GdbServerError) {
      process.stderr.write(`vmexit: ${oneLine(error.message)}\n`);
      return exitStatus.user;
    }
    throw error;
  }
}

/** Commander's errors in one line each; help and version, which it reports the same way, are no errors. */
function refusal(error: CommanderError): number {
  if (error.exitCode === 0) return exitStatus.done;
  const text = error.message.replace(/^error: /, "").replace(/\n/g, " ");
  process.stderr.write(`vmexit: ${oneLine(text)}; see vmexit --help\n`);
  return exitStatus.user;
}
