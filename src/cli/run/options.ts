import { Command } from "commander";
import { type GdbAddress, parseGdbAddress } from "../../gdb/address.ts";
import type { EngineMode } from "../../vmm/guest.ts";
import { parseChoice } from "../options/choice.ts";
import { parseClock } from "../options/clock.ts";
import { parseMemorySize } from "../options/memorySize.ts";
import { parseTrace } from "../options/trace.ts";
import { parseUnsigned64, parseWholeNumber } from "../options/wholeNumber.ts";
import { ARCHITECTURES, type Architecture, SUBSTRATES, type Substrate } from "../substrate.ts";
import { UserError } from "../userError.ts";

/** Options as commander hands them over. */
interface Options {
  readonly initrd?: string;
  readonly append?: string;
  readonly memory: number;
  readonly cpus: number;
  readonly gic?: "2" | "3";
  readonly dtb?: string;
  readonly firmware?: true;
  readonly seed?: bigint;
  readonly rtc?: bigint;
  readonly gdb?: GdbAddress;
  readonly wait?: true;
  readonly stats?: true;
  readonly limit?: number;
  readonly reboot: boolean;
  readonly trace?: string;
  readonly substrate?: Substrate;
  readonly arch?: Architecture;
  readonly engine?: EngineMode;
  readonly heat?: number;
}

const DEFAULT_MEMORY = 512 * 2 ** 20;
const MOST_CPUS = 8;
const MOST_HEAT = 1_000_000_000;

/** QEMU's, which people know. */
const GDB_PORT = "1234";

/** `--gdb` alone means the usual port; commander would take the word after it for its value. */
export function completeGdb(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    if (arg !== "--gdb") return [arg];
    const next = args[index + 1];
    return next !== undefined && /^(unix:.+|(.*:)?\d+)$/.test(next) ? [arg] : [`--gdb=${GDB_PORT}`];
  });
}

/** `vmexit run`. `finish` gets the exit status. */
export function runOptions(finish: (status: number) => void): Command {
  return new Command("run")
    .summary("run a guest with its console on the terminal")
    .description(
      "Runs an arm64 guest: Linux's Image (also in gzip or as an EFI zboot vmlinuz), an ELF file for bare metal, or a flat " +
        "binary; or on Linux' /dev/kvm an x86-64 guest: bzImage, ELF, PVH or Multiboot kernel, boot sector. Its serial " +
        "console is the terminal; Ctrl-A X quits, Ctrl-A H helps.",
    )
    .argument("<image>", "the guest")
    .option("--initrd <file>", "initial RAM disk")
    .option("--append <string>", "the kernel's command line, such as console=ttyAMA0")
    .option("--memory <size>", "guest memory, 1M to 3G (default: 512M)", (text) =>
      parseMemorySize("--memory", text),
    )
    .option("--cpus <n>", "virtual CPUs, 1 to 8 (default: 1)", (text) =>
      parseWholeNumber("--cpus", text, 1, MOST_CPUS),
    )
    .option("--gic <version>", "interrupt controller, 2 or 3 (default: 3)", (text) =>
      parseChoice("--gic", text, ["2", "3"]),
    )
    .option("--dtb <file>", "device tree in place of the board's own; memory and /chosen are filled in")
    .option("--firmware", "the image is firmware, such as u-boot.bin: it starts at address 0 as after reset")
    .option(
      "--seed <n>",
      "give the guest kaslr-seed and rng-seed made from this number (default: none)",
      (text) => parseUnsigned64("--seed", text),
    )
    .option(
      "--rtc <epoch>",
      "real-time clock at the start: seconds since 1970, or now (default: 0)",
      (text) => parseClock("--rtc", text, Date.now()),
    )
    .option(
      "--gdb <address>",
      "gdb server on [HOST:]PORT or unix:PATH; without an address, --gdb alone, on port 1234 of this machine",
      parseGdbAddress,
    )
    .option("--wait", "with --gdb: the guest starts when a debugger lets it")
    .option("--stats", "say at the end how many instructions, exits and seconds it took")
    .option("--limit <instructions>", "stop with status 2 after so many instructions", (text) =>
      parseWholeNumber("--limit", text, 1, Number.MAX_SAFE_INTEGER),
    )
    .option("--no-reboot", "end when the guest asks for a restart")
    .option(
      "--engine <name>",
      "how guest code is executed: interpreter, jit, or auto, which compiles what is hot (default: auto)",
      (text) => parseChoice("--engine", text, ["interpreter", "jit", "auto"]),
    )
    .option("--heat <n>", "compile code that is reached by so many jumps (default: --engine says)", (text) =>
      parseWholeNumber("--heat", text, 0, MOST_HEAT),
    )
    .option(
      "--substrate <name>",
      "what executes the guest: embedded, or linux, the host's /dev/kvm (default: by the guest's architecture)",
      (text) => parseChoice("--substrate", text, SUBSTRATES),
    )
    .option(
      "--arch <name>",
      "the guest's architecture, arm64 or x86-64 (default: what the image is)",
      (text) => parseChoice("--arch", text, ARCHITECTURES),
    )
    .option("--trace <what>", "exits=FILE writes every exit to a file", (text) => parseTrace("--trace", text))
    .action(async (image: string, options: Partial<Options>) => {
      if (options.wait && options.gdb === undefined)
        throw new UserError("--wait: it waits for a debugger, which needs --gdb too");
      if (options.limit !== undefined && options.gdb !== undefined)
        throw new UserError("--limit: a guest under --gdb has none; leave one of them out");
      const { runCommand } = await import("./command.ts");
      finish(
        await runCommand({
          image,
          firmware: options.firmware ?? false,
          initrd: options.initrd,
          dtb: options.dtb,
          append: options.append,
          seed: options.seed,
          memoryBytes: options.memory ?? DEFAULT_MEMORY,
          cpus: options.cpus ?? 1,
          gicVersion: options.gic && (options.gic === "2" ? 2 : 3),
          epochSeconds: options.rtc,
          gdb: options.gdb,
          wait: options.wait ?? false,
          stats: options.stats ?? false,
          limit: options.limit ?? Number.POSITIVE_INFINITY,
          reboot: options.reboot ?? true,
          trace: options.trace,
          substrate: options.substrate,
          architecture: options.arch,
          engine: options.engine,
          heat: options.heat,
        }),
      );
    });
}
