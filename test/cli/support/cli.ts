import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const project = new URL("../../../", import.meta.url).pathname;

/** The built command line: `npm run build` makes it, and `npm test` runs that first. */
export const main = join(project, "dist/cli/main.js");
if (!existsSync(main)) throw new Error(`${main} is not there: npm run build`);

/** One of the project's guests. */
export const guest = (name: string): string => join(project, "guests/arm64", name, `${name}.elf`);
/** What it prints. */
export const expected = (name: string): string => join(project, "guests/arm64", name, "expected.txt");

/** How a command ended and what it wrote. */
export interface Ending {
  readonly status: number | null;
  /** A character for each byte. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `vmexit` with this standard input, `/dev/null` if left out. */
export function vmexit(args: readonly string[], options: { readonly input?: string } = {}): Ending {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [main, ...args], {
    encoding: "latin1",
    timeout: 50_000,
    maxBuffer: 1 << 28,
    ...(options.input === undefined ? { stdio: ["ignore", "pipe", "pipe"] } : { input: options.input }),
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** A command that is running. */
export interface Running {
  readonly child: ChildProcess;
  /** All of standard output so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Settled when standard output (or with `on`, standard error) has this text. */
  says(text: string, on?: "stderr"): Promise<void>;
  readonly ended: Promise<number | null>;
}

/** Starts a program with pipes to all three of its streams; it is killed when the test is over, however that ends. */
export function start(program: string, args: readonly string[]): Running {
  const child = spawn(program, args, { stdio: "pipe" });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of [...listeners]) listener();
  };
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    stdout += text;
    changed();
  });
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    stderr += text;
    changed();
  });
  child.stdin.on("error", () => {
    // It has ended before it read all.
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      resolve(code);
      changed();
    });
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    says: (text, on) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if ((on === undefined ? stdout : stderr).includes(text)) {
            listeners.delete(look);
            resolve();
          } else if (child.exitCode !== null) {
            listeners.delete(look);
            reject(new Error(`it ended without saying ${JSON.stringify(text)}: ${stdout}${stderr}`));
          }
        };
        listeners.add(look);
        look();
      }),
    ended,
  };
}

/** Starts `vmexit`. */
export const startVmexit = (args: readonly string[]): Running => start(process.execPath, [main, ...args]);

/** A folder for files, until `remove`. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), "vmexit-cli-"));

  /** Writes a file and returns its path. */
  file(name: string, contents: Uint8Array | string): string {
    const path = this.path(name);
    writeFileSync(path, contents);
    return path;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
