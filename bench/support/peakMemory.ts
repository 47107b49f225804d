import { readFileSync } from "node:fs";
import { BenchError, type Command, start } from "./process.ts";

/** Milliseconds between two looks. */
const INTERVAL = 20;

/**
 * Runs a command to its end.
 * @returns the most memory of the host that it had at once (VmHWM), in MiB; undefined where there is no /proc
 */
export function peakMemory(command: Command): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const child = start(command);
    child.stdout?.resume();
    child.stderr?.resume();
    let peak: number | undefined;
    const look = setInterval(() => {
      peak = highWaterMark(child.pid) ?? peak;
    }, INTERVAL);
    child.on("error", (error) => {
      clearInterval(look);
      reject(new BenchError(error.message));
    });
    child.on("close", (status) => {
      clearInterval(look);
      if (status === 0) resolve(peak);
      else reject(new BenchError(`${command.join(" ")} ended with ${status}`));
    });
  });
}

function highWaterMark(pid: number | undefined): number | undefined {
  return memoryOf(pid, "VmHWM");
}

/** A line of /proc/PID/status, in MiB; undefined when there is none. */
export function memoryOf(pid: number | undefined, field: "VmHWM" | "VmRSS"): number | undefined {
  try {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(
      readFileSync(`/proc/${pid}/status`, "utf8"),
    )?.[1];
    return found === undefined ? undefined : Number(found) / 1024;
  } catch {
    return undefined;
  }
}
