import { spawn, spawnSync } from "node:child_process";
import { onTestFinished } from "vitest";

/** Whether a program can be run. */
export function hasTool(name: string): boolean {
  return spawnSync(name, ["--version"]).error === undefined;
}

/** How a program is run. */
export interface ToolOptions {
  /** It gets SIGINT, as from Ctrl-C, once for each run of the guest up to this many. */
  readonly interrupts?: number;
  /** How often the guest has been resumed. */
  readonly runs?: () => number;
}

/** Runs a program, which ends with the test at the latest, and gives what it prints, on both streams. */
export function runTool(name: string, argv: readonly string[], options: ToolOptions = {}): Promise<string> {
  const { interrupts = 0, runs = () => 0 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(name, argv, { env: { ...process.env, LC_ALL: "C.UTF-8" } });
    let output = "";
    let sent = 0;
    const watch = setInterval(() => {
      if (sent < interrupts && runs() > sent) {
        sent++;
        child.kill("SIGINT");
      }
    }, 50);
    const take = (chunk: string): void => {
      output += chunk;
    };
    child.stdin.end();
    child.stdin.on("error", () => {});
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", reject);
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    child.on("close", () => {
      clearInterval(watch);
      resolve(output);
    });
  });
}
