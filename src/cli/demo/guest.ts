import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { arm64DebugArchitecture } from "../../debugger/arm64/architecture.ts";
import { hostWith } from "../../debugger/host.ts";
import { DebugSession } from "../../debugger/session.ts";
import { LineTable, lineSectionsOfElf } from "../../debugger/symbols/dwarf/lineTable.ts";
import { parseElf } from "../../debugger/symbols/elf.ts";
import { prepareGuest } from "../machine.ts";
import { packageFolder } from "../packageFolder.ts";

/** The demo's guest under a debugger. */
export interface DemoGuest {
  readonly session: DebugSession;
  /** Instructions retired so far. */
  readonly instructions: () => number;
  /** `file:line` of an address and the line's text; undefined where the compiler says nothing. */
  source(address: bigint): { readonly place: string; readonly text: string } | undefined;
}

const guests = new URL("guests/", packageFolder);
const image = "arm64/demo/demo.elf";
const MEMORY = 64 << 20;

/** Builds the machine, stopped at its first instruction. `transmit` gets what the guest prints. */
export async function prepareDemo(transmit: (byte: number) => void): Promise<DemoGuest> {
  const path = fileURLToPath(new URL(image, guests));
  const {
    machine,
    plan,
    image: bytes,
  } = await prepareGuest(
    {
      image: path,
      memoryBytes: MEMORY,
      cpus: 1,
      gicVersion: 3,
      firmware: false,
      initrd: undefined,
      dtb: undefined,
      append: undefined,
      seed: undefined,
      epochSeconds: undefined,
    },
    { transmit },
  );
  machine.boot(plan);
  const session = new DebugSession(machine, {
    architecture: arm64DebugArchitecture,
    host: hostWith(setImmediate),
  });
  await session.symbols.load(bytes);
  const sections = lineSectionsOfElf(parseElf(bytes));
  const lines = sections === undefined ? undefined : LineTable.from(sections);
  return {
    session,
    instructions: () => machine.instructions,
    source: (address) => {
      const found = lines?.locate(address);
      if (found === undefined || found.line === 0) return undefined;
      return { place: `${found.file}:${found.line}`, text: sourceLine(found.file, found.line) };
    },
  };
}

/** A line of a guest's source, which stands beside its image; empty if it is not there. */
function sourceLine(file: string, line: number): string {
  try {
    return readFileSync(new URL(file, guests), "utf8").split("\n")[line - 1]?.trim() ?? "";
  } catch {
    return "";
  }
}
