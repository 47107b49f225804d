import { type ChildProcess, spawn } from "node:child_process";

/** How a process went. */
export interface ProcessRun {
  /** Seconds from the start of the process to its end. */
  readonly seconds: number;
  /** Seconds from the start of the process to the first byte on its standard output; undefined if there was none. */
  readonly firstByte: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command did not do what the benchmark needs; the message says which and why. */
export class BenchError extends Error {
  override readonly name = "BenchError";
}

/** The name of a program and its arguments. */
export type Command = readonly [string, ...string[]];

/** Starts a command without input; its output is the caller's to read. */
export function start([name, ...args]: Command): ChildProcess {
  return spawn(name, args, { stdio: ["ignore", "pipe", "pipe"] });
}

/**
 * Runs a command to its end and takes the time.
 * @throws BenchError when it cannot be started or fails
 */
export function time(command: Command): Promise<ProcessRun> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const since = (): number => (performance.now() - begin) / 1000;
    const child = start(command);
    let firstByte: number | undefined;
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk) => {
      firstByte ??= since();
      stdout += String(chunk);
    });
    child.stderr?.on("data", (chunk) => {
      stderr += String(chunk);
    });
    let seconds = 0;
    child.on("exit", () => {
      seconds = since();
    });
    child.on("error", (error) => reject(new BenchError(`${command[0]}: ${error.message}`)));
    child.on("close", (status, signal) => {
      if (status === 0) resolve({ seconds, firstByte, stdout, stderr });
      else reject(new BenchError(`${command.join(" ")} ended with ${status ?? signal}: ${stderr}`));
    });
  });
}

/** What a command with `--version` prints first, or undefined when there is no such command. */
export async function versionOf(name: string): Promise<string | undefined> {
  try {
    const { stdout } = await time([name, "--version"]);
    return stdout.split("\n")[0];
  } catch {
    return undefined;
  }
}
