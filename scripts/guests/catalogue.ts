import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** One small guest of ours: `guests/<arch>/<name>/`. */
export type Guest = {
  readonly arch: string;
  readonly name: string;
  /** One line: what it does. */
  readonly about: string;
  /** QEMU's name of the CPU that its expected output was recorded with. */
  readonly cpu: string;
  /** How many CPUs it needs. */
  readonly cpus: number;
  /** Whether it powers off by itself; `never` is a guest that hangs on purpose. */
  readonly ends: "power-off" | "never";
  /** Path of its built image. */
  readonly elf: string;
  /** Path of the console text it prints under QEMU. */
  readonly expected: string;
};

/** Lines that QEMU prints and the manual has otherwise. */
export type Correction = {
  readonly why: string;
  readonly qemu: readonly string[];
  readonly manual: readonly string[];
};

/** Where QEMU is wrong about a guest: its `corrections.json`, if it has one. */
export function correctionsOf(guest: Guest): readonly Correction[] {
  const path = join(dirname(guest.expected), "corrections.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Correction[]) : [];
}

/**
 * What a guest prints on a machine that is as the manual says: what it prints under QEMU, corrected.
 * @throws Error for a correction whose lines QEMU does not print, or prints twice.
 */
export function manualOutput(guest: Guest): string {
  let text = readFileSync(guest.expected, "utf8");
  for (const { why, qemu, manual } of correctionsOf(guest)) {
    const parts = `\n${text}`.split(`\n${qemu.join("\n")}\n`);
    if (parts.length !== 2) throw new Error(`${guest.name}: ${parts.length - 1} places to correct: ${why}`);
    text = parts.join(`\n${manual.join("\n")}\n`).slice(1);
  }
  return text;
}

function readGuest(guestsFolder: string, arch: string, name: string): Guest {
  const folder = join(guestsFolder, arch, name);
  const description = join(folder, "guest.json");
  const fields = JSON.parse(readFileSync(description, "utf8")) as Record<string, unknown>;
  const { about, cpu, cpus, ends } = fields;
  if (
    typeof about !== "string" ||
    typeof cpu !== "string" ||
    typeof cpus !== "number" ||
    (ends !== "power-off" && ends !== "never")
  ) {
    throw new Error(`${description}: needs about, cpu, cpus, and ends ("power-off" or "never")`);
  }
  return {
    ...{ arch, name, about, cpu, cpus, ends },
    elf: join(folder, `${name}.elf`),
    expected: join(folder, "expected.txt"),
  };
}

/** Every guest in `guestsFolder` (the project's `guests/`), by architecture and name. */
export function listGuests(guestsFolder: string): Guest[] {
  const folders = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  return folders(guestsFolder).flatMap((arch) =>
    folders(join(guestsFolder, arch))
      .filter((name) => existsSync(join(guestsFolder, arch, name, "guest.json")))
      .map((name) => readGuest(guestsFolder, arch, name)),
  );
}

/** How to run a guest under QEMU with its console on standard output: the program, then its arguments. */
export function qemuCommand(guest: Guest): [string, ...string[]] {
  switch (guest.arch) {
    case "arm64":
      return [
        "qemu-system-aarch64",
        ...["-M", "virt,gic-version=3", "-cpu", guest.cpu, "-smp", String(guest.cpus), "-m", "512"],
        ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-kernel", guest.elf],
      ];
    default:
      throw new Error(`no QEMU command for ${guest.arch} (${guest.name})`);
  }
}
