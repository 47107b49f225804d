import { spawn, spawnSync } from "node:child_process";

/** Whether a program can be run. */
export function hasTool(name: string): boolean {
  return spawnSync(name, ["--version"]).error === undefined;
}

/**
 * Runs a program and gives what it prints, on both streams. It gets SIGINT, as from Ctrl-C, once for each run of the
 * guest up to `interrupts`; `runs` says how many there have been.
 */
export function runTool(
  name: string,
  argv: readonly string[],
  interrupts = 0,
  runs: () => number = () => 0,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, argv, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    let output = "";
    let sent = 0;
    const watch = setInterval(() => {
      if (sent >= interrupts || runs() <= sent) return;
      sent++;
      child.kill("SIGINT");
    }, 50);
    const take = (chunk: string): void => {
      output += chunk;
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", reject);
    child.on("close", () => {
      clearInterval(watch);
      resolve(output);
    });
  });
}
