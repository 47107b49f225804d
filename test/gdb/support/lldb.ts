import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { onTestFinished } from "vitest";

/** Milliseconds after which LLDB is held to be stuck. */
const PATIENCE = 40_000;

/**
 * LLDB at its prompt, with somebody who reads what it says before they type the next line.
 *
 * That matters: at the prompt LLDB reads on while another of its threads is still busy with the stop or the resume before. A command
 * that comes in that moment is refused ("Process must be launched", "Process is not running"), or it sets a register whose cache is
 * just being filled anew, and the old value is what goes to the server. LLDB 14 does so with any server.
 */
export class LldbPrompt {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<void>;
  #running = true;
  #output = "";
  #asked = 0;
  #wake: () => void = () => {};

  private constructor(commands: readonly string[]) {
    const argv = ["-x", ...commands.flatMap((command) => ["-o", command])];
    // Both streams in one pipe, so that what they say comes in the order in which it was said.
    this.#child = spawn("sh", ["-c", 'exec lldb "$@" 2>&1', "lldb", ...argv], {
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    this.#child.stdin.on("error", () => {});
    this.#child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      this.#output += chunk;
      this.#wake();
    });
    this.#closed = new Promise((resolve) => {
      this.#child.on("close", () => {
        this.#running = false;
        this.#wake();
        resolve();
      });
    });
  }

  /** Starts LLDB; it ends with the test at the latest. @param commands what it does first, each when the one before is over and done */
  static start(commands: readonly string[]): LldbPrompt {
    const prompt = new LldbPrompt(["settings set auto-confirm true", ...commands]);
    onTestFinished(async () => {
      prompt.#child.kill("SIGKILL");
      await prompt.#closed;
    });
    return prompt;
  }

  /** All that it has printed. */
  get output(): string {
    return this.#output;
  }

  /** Types a command, and returns what LLDB prints until it reads the next one. */
  async ask(command: string): Promise<string> {
    const from = this.#output.length;
    // LLDB repeats what it reads when it has got there, and does nothing at a comment.
    const mark = `# that was command ${++this.#asked}`;
    this.#child.stdin.write(`${command}\n${mark}\n`);
    await this.#until((text) => text.includes(`(lldb) ${mark}\n`), from, mark);
    return this.#output.slice(from).split(`(lldb) ${mark}\n`)[0] ?? "";
  }

  /** Types a command whose outcome LLDB reports in its own time. Returns what it prints until it has printed this. */
  async askFor(command: string, report: RegExp): Promise<string> {
    const from = this.#output.length;
    await this.ask(command);
    return this.#reported(report, from);
  }

  /** Interrupts a guest that runs. Returns what LLDB prints until it has reported the stop. */
  async interrupt(): Promise<string> {
    const from = this.#output.length;
    // It may not have learnt yet that the guest runs.
    while ((await this.ask("process interrupt")).includes("Process is not running"));
    return this.#reported(/Process 1 stopped\n[\s\S]*stop reason = .*\n/, from);
  }

  /** Leaves LLDB. Returns all that it has printed. */
  async quit(): Promise<string> {
    this.#child.stdin.end("quit\n");
    await this.#until(() => !this.#running, 0, "its end");
    return this.#output;
  }

  async #reported(report: RegExp, from: number): Promise<string> {
    await this.#until((text) => report.test(text), from, report);
    return this.#output.slice(from);
  }

  /** @param wanted what is waited for, in words */
  async #until(
    holds: (text: string) => boolean,
    from: number,
    wanted: { toString(): string },
  ): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, PATIENCE);
    try {
      while (!holds(this.#output.slice(from))) {
        if (late || !this.#running) {
          const what = late ? "is stuck" : "has ended";
          throw new Error(`LLDB ${what}: ${wanted} did not come. It printed:\n${this.#output}`);
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
