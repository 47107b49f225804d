import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Guest, qemuCommand } from "../../scripts/guests/catalogue.ts";
import { program, root } from "./paths.ts";
import { BenchError, type Command, time } from "./process.ts";

/** What is given to every `vmexit run` of a benchmark, such as `--engine jit`. */
export type ExtraArguments = readonly string[];

/** `vmexit run` of one of our guests or of another image, with statistics on standard error. */
export const vmexitRun = (image: string, extra: ExtraArguments, more: readonly string[] = []): Command => [
  process.execPath,
  program,
  ...["run", image, "--stats"],
  ...more,
  ...extra,
];

/** QEMU's translator, which is what `-accel` of a foreign architecture means anyway, with one of our guests. */
export const qemuRun = (guest: Guest): Command => {
  const [name, ...args] = qemuCommand(guest);
  return [name, "-accel", "tcg", ...args];
};

/** Debian's kernel and initramfs, where `scripts/fetch-debian-arm64.sh` leaves them; undefined if it was not called. */
export function debian(): { readonly kernel: string; readonly initrd: string } | undefined {
  const folder = join(root, ".cache", "debian-arm64");
  const kernel = join(folder, "vmlinuz");
  const initrd = join(folder, "initramfs.cpio.gz");
  return existsSync(kernel) && existsSync(initrd) ? { kernel, initrd } : undefined;
}

/** The kernel's command line: its console is the serial line. */
const KERNEL_COMMAND_LINE = "console=ttyAMA0";

/** `vmexit run` of Debian's kernel. */
export const vmexitBoot = (
  { kernel, initrd }: { readonly kernel: string; readonly initrd: string },
  extra: ExtraArguments,
  more: readonly string[] = [],
): Command => vmexitRun(kernel, extra, ["--initrd", initrd, "--append", KERNEL_COMMAND_LINE, ...more]);

/** The same under QEMU. */
export const qemuBoot = ({
  kernel,
  initrd,
}: {
  readonly kernel: string;
  readonly initrd: string;
}): Command => [
  "qemu-system-aarch64",
  ...["-accel", "tcg", "-M", "virt,gic-version=3", "-cpu", "cortex-a57", "-m", "512"],
  ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"],
  ...["-kernel", kernel, "-initrd", initrd, "-append", KERNEL_COMMAND_LINE],
];

/** Instructions that a run with `--stats` has retired. */
export function instructionsOf(stderr: string): number {
  const found = /^instructions\s+([\d,]+)$/m.exec(stderr)?.[1];
  if (found === undefined) throw new BenchError(`vmexit printed no count of instructions: ${stderr}`);
  return Number(found.replaceAll(",", ""));
}

/** Milliseconds from the start of the process, by its own clock, to the guest's first instruction, of a run with `--stats`. */
export function startOf(stderr: string): number {
  const found = /^wall time .* after ([\d.]+) s to start/m.exec(stderr)?.[1];
  if (found === undefined) throw new BenchError(`vmexit printed no time of its start: ${stderr}`);
  return 1000 * Number(found);
}

/** The engines that `vmexit run` offers; empty if it has no `--engine`. */
export async function engines(): Promise<readonly string[]> {
  const { stdout } = await time([process.execPath, program, "run", "--help"]);
  return stdout.includes("--engine") ? ["interpreter", "jit", "auto"] : [];
}
