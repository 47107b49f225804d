import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listGuests, qemuCommand } from "../scripts/guests/catalogue.ts";
import { geometricMean, median } from "./statistics.ts";

// Runs our bench guests and a Debian arm64 kernel boot under vmexit and under qemu-system-aarch64 (TCG) by turns and prints, for each,
// the medians of the wall time of the whole process and the ratio of speeds. Usage: npm run bench -- [--runs N] [--only NAME] [--args "…"]

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    only: { type: "string" },
    args: { type: "string", default: "" },
  },
});
const runs = Number(values.runs);
const root = join(import.meta.dirname, "..", "..", "..");
const debian = join(root, ".cache", "debian-arm64");
const extra = values.args.split(" ").filter((word) => word !== "");

interface Case {
  readonly name: string;
  readonly vmexit: readonly string[];
  readonly qemu: readonly [string, ...string[]];
}

function cases(): readonly Case[] {
  const guests = listGuests(join(root, "guests"))
    .filter((guest) => guest.name.startsWith("bench-"))
    .map((guest): Case => ({ name: guest.name, vmexit: ["run", guest.elf], qemu: qemuCommand(guest) }));
  const kernel = join(debian, "vmlinuz");
  if (!existsSync(kernel)) return guests;
  const initrd = join(debian, "initramfs.cpio.gz");
  const boot: Case = {
    name: "debian-boot",
    vmexit: ["run", kernel, "--initrd", initrd, "--append", "console=ttyAMA0"],
    qemu: [
      "qemu-system-aarch64",
      ...[
        "-M",
        "virt,gic-version=3",
        "-cpu",
        "cortex-a57",
        "-m",
        "512",
        "-display",
        "none",
        "-monitor",
        "none",
      ],
      ...[
        "-serial",
        "stdio",
        "-no-reboot",
        "-kernel",
        kernel,
        "-initrd",
        initrd,
        "-append",
        "console=ttyAMA0",
      ],
    ],
  };
  return [...guests, boot];
}

/** Seconds of wall time, and what the command said on standard error. */
function time(
  command: string,
  args: readonly string[],
): { readonly seconds: number; readonly stderr: string } {
  const begin = performance.now();
  const result = spawnSync(command, args, { stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 26 });
  if (result.status !== 0)
    throw new Error(
      `${command} ${args.join(" ")} ended with ${result.status ?? result.signal}: ${result.stderr}`,
    );
  return { seconds: (performance.now() - begin) / 1000, stderr: String(result.stderr) };
}

const ratios: number[] = [];
console.log(
  `${"guest".padEnd(14)} ${"vmexit s".padStart(9)} ${"qemu s".padStart(9)} ${"MIPS".padStart(7)} ${"speed/qemu".padStart(11)}`,
);
for (const each of cases().filter(({ name }) => values.only === undefined || name === values.only)) {
  const ours: number[] = [];
  const theirs: number[] = [];
  let instructions = 0;
  for (let run = 0; run < runs; run++) {
    const { seconds, stderr } = time(process.execPath, [
      join(root, "dist", "cli", "main.js"),
      ...each.vmexit,
      "--stats",
      ...extra,
    ]);
    ours.push(seconds);
    instructions = Number(
      /([\d,]+) instructions|instructions\D+([\d,]+)/
        .exec(stderr)
        ?.slice(1)
        .find(Boolean)
        ?.replaceAll(",", "") ?? 0,
    );
    theirs.push(time(each.qemu[0], each.qemu.slice(1)).seconds);
  }
  const ratio = median(theirs) / median(ours);
  ratios.push(ratio);
  const columns = [
    median(ours).toFixed(2).padStart(9),
    median(theirs).toFixed(2).padStart(9),
    (instructions / median(ours) / 1e6).toFixed(0).padStart(7),
  ];
  console.log(`${each.name.padEnd(14)} ${columns.join(" ")} ${ratio.toFixed(3).padStart(11)}`);
}
console.log(
  `geometric mean of the ratios: ${geometricMean(ratios).toFixed(3)} (medians of ${runs} runs, whole processes)`,
);
