import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { createInterface, type Interface } from "node:readline";

/** Whether the witness is there (package qemu-system-arm). */
export const hasQemu = spawnSync("qemu-system-aarch64", ["--version"]).status === 0;

/** QEMU's virt board with its CPUs stopped, whose devices are driven by the lines of its qtest protocol. */
export class QemuDevices {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #waiting: ((line: string) => void)[] = [];

  constructor(machine: string, cpus: number) {
    const options = [
      "-M",
      machine,
      "-cpu",
      "cortex-a57",
      "-smp",
      `${cpus}`,
      "-m",
      "64M",
      "-S",
      "-display",
      "none",
    ];
    const pipes = ["-serial", "null", "-monitor", "none", "-qtest", "stdio", "-qtest-log", "none"];
    this.#process = spawn("qemu-system-aarch64", [...options, ...pipes]);
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#lines.on("line", (line) => this.#waiting.shift()?.(line));
  }

  async read(address: number, size: 1 | 2 | 4 | 8 = 4): Promise<number> {
    const answer = await this.#say(`read${suffix(size)} 0x${address.toString(16)}`);
    return Number(answer.split(" ")[1]);
  }

  async write(address: number, value: number, size: 1 | 2 | 4 | 8 = 4): Promise<void> {
    await this.#say(`write${suffix(size)} 0x${address.toString(16)} 0x${value.toString(16)}`);
  }

  stop(): void {
    this.#lines.close();
    this.#process.kill("SIGKILL");
  }

  #say(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push((answer) =>
        answer.startsWith("OK") ? resolve(answer) : reject(new Error(`${line}: ${answer}`)),
      );
      this.#process.stdin.write(`${line}\n`);
    });
  }
}

function suffix(size: 1 | 2 | 4 | 8): string {
  return { 1: "b", 2: "w", 4: "l", 8: "q" }[size];
}
