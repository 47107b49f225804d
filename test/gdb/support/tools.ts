import { spawn, spawnSync } from "node:child_process";

/** Whether a program can be run. */
export function hasTool(name: string): boolean {
  return spawnSync(name, ["--version"]).error === undefined;
}

/** How a program is run. */
export interface ToolOptions {
  /** It gets SIGINT, as from Ctrl-C, once for each run of the guest up to this many. */
  readonly interrupts?: number;
  /** What it reads from its terminal, one part for each run of the guest; the first at once. */
  readonly input?: readonly string[];
  /** How often the guest has been resumed. */
  readonly runs?: () => number;
}

/** Runs a program and gives what it prints, on both streams. */
export function runTool(name: string, argv: readonly string[], options: ToolOptions = {}): Promise<string> {
  const { interrupts = 0, input = [], runs = () => 0 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(name, argv, { env: { ...process.env, LC_ALL: "C.UTF-8" } });
    let output = "";
    let sent = 0;
    let typed = 0;
    let settled = 0;
    const watch = setInterval(() => {
      const text = input[typed];
      // The client learns that its guest runs a moment after the guest does; until then it takes no interrupt.
      settled = runs() >= typed ? settled + 1 : 0;
      if (text !== undefined && (typed === 0 || settled > 20)) {
        typed++;
        settled = 0;
        child.stdin.write(text);
        if (typed === input.length) child.stdin.end();
      }
      if (sent < interrupts && runs() > sent) {
        sent++;
        child.kill("SIGINT");
      }
    }, 50);
    const take = (chunk: string): void => {
      output += chunk;
    };
    if (input.length === 0) child.stdin.end();
    child.stdin.on("error", () => {});
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", reject);
    child.on("close", () => {
      clearInterval(watch);
      resolve(output);
    });
  });
}
