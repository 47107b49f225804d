import { readFileSync } from "node:fs";
import { arm64DebugArchitecture } from "../../../src/debugger/arm64/architecture.ts";
import { hostWith } from "../../../src/debugger/host.ts";
import { DebugSession, type SessionOptions } from "../../../src/debugger/session.ts";
import { parseElf } from "../../../src/debugger/symbols/elf.ts";
import { kernelSymbolsOfElf } from "../../../src/debugger/symbols/elfSymbols.ts";
import { SymbolTable } from "../../../src/debugger/symbols/symbolTable.ts";
import { openImage } from "../../../src/machine/boot/open.ts";
import { planBoot } from "../../../src/machine/boot/planBoot.ts";
import { writeFdt } from "../../../src/machine/fdt/write.ts";
import { GuestMachine, type GuestOptions } from "../../../src/vmm/guest.ts";
import { instructionSet, interpreter } from "../../cpu/arm64/support/machine.ts";

const folder = new URL("../../../", import.meta.url).pathname;

/** The event loop of the test runner. */
export const host = hostWith(setImmediate);

/** What a guest is started with. */
export interface GuestSetUp extends Partial<SessionOptions>, Pick<GuestOptions, "engine" | "heat"> {
  readonly cpus?: number;
  readonly memoryMiB?: number;
  readonly commandLine?: string;
  readonly initrd?: string;
  /** Makes the kernel move itself. */
  readonly seed?: bigint;
}

/** A machine about to execute a guest's first instruction, what it has printed, and the debugger on it. */
export async function debugGuest(image: string, options: GuestSetUp = {}) {
  const memoryBytes = (options.memoryMiB ?? 256) << 20;
  let printed = "";
  const machine = new GuestMachine({
    instructionSet,
    interpreter,
    memoryBytes,
    cpus: options.cpus ?? 1,
    gicVersion: 3,
    ...(options.engine === undefined ? {} : { engine: options.engine }),
    ...(options.heat === undefined ? {} : { heat: options.heat }),
    transmit: (byte) => {
      printed += String.fromCharCode(byte);
    },
  });
  const bytes = readFileSync(image.startsWith("/") ? image : `${folder}${image}`);
  const { ram, flash } = machine.board;
  machine.boot(
    planBoot(
      { ram, flash },
      {
        image: await openImage(bytes, memoryBytes),
        ...(options.initrd === undefined ? {} : { initrd: readFileSync(options.initrd) }),
        deviceTree: (initrd) =>
          writeFdt(
            machine.board.deviceTree({
              commandLine: options.commandLine ?? "",
              ...(options.seed === undefined ? {} : { seed: options.seed }),
              ...(initrd === undefined ? {} : { initrd }),
            }),
          ),
      },
    ),
  );
  const session = new DebugSession(machine, { architecture: arm64DebugArchitecture, host, ...options });
  return { machine, session, bytes, printed: () => printed };
}

/** One of the project's own guests with its symbols. */
export async function debugOwnGuest(name: string, options: GuestSetUp = {}) {
  const image = `guests/arm64/${name}/${name}.elf`;
  const guest = await debugGuest(image, options);
  const symbols = SymbolTable.from(kernelSymbolsOfElf(parseElf(guest.bytes)));
  const address = (symbol: string): bigint => {
    const found = symbols.addressOf(symbol);
    if (found === undefined) throw new Error(`${image} has no symbol ${symbol}`);
    return found;
  };
  const expected = readFileSync(`${folder}guests/arm64/${name}/expected.txt`, "utf8");
  return { ...guest, symbols, address, expected };
}
