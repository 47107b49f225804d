import { type ElfFile, parseElf, segmentBytes } from "../debugger/symbols/elf.ts";
import { ELF_MACHINE, SEGMENT_TYPE } from "../debugger/symbols/elfConstants.ts";
import { kernelSymbolsOfElf } from "../debugger/symbols/elfSymbols.ts";
import { type KernelSymbols, recoverKallsyms } from "../debugger/symbols/kallsyms/recover.ts";
import type { KernelSymbol } from "../debugger/symbols/symbol.ts";
import { BootImageError } from "../machine/boot/bootError.ts";
import { isElf } from "../machine/boot/elf.ts";
import { openImage } from "../machine/boot/open.ts";
import { readInput } from "./readFile.ts";
import { symbolProblem } from "./symbols/load.ts";
import { UserError } from "./userError.ts";

/** A program in a file: its symbols and its bytes, at link-time addresses. */
export interface ProgramFile {
  /** In order of address. */
  readonly symbols: readonly KernelSymbol[];
  /** A stripped kernel, whose symbols were recovered; undefined for an ELF file, which has them. */
  readonly kernel: { readonly recovered: KernelSymbols; readonly image: Uint8Array } | undefined;
  /** Undefined where the file has nothing. */
  read(address: bigint, length: number): Uint8Array | undefined;
}

const LARGEST = 1 << 30;

/** Reads an arm64 kernel `Image`, packed or not, or an ELF file. @throws UserError */
export async function readProgramFile(path: string): Promise<ProgramFile> {
  const bytes = readInput("image", path, LARGEST);
  try {
    if (isElf(bytes)) return elfProgram(parseElf(bytes));
    const image = await openImage(bytes, LARGEST);
    if (image.kind !== "arm64-image") {
      throw new BootImageError("it is neither an arm64 Linux Image nor an ELF file, so it has no symbols");
    }
    const recovered = recoverKallsyms(image.bytes);
    const { textBase, symbols } = recovered;
    return {
      symbols,
      kernel: { recovered, image: image.bytes },
      read: (address, length) => slice(image.bytes, Number(address - textBase), length),
    };
  } catch (error) {
    const problem = symbolProblem(error);
    if (problem === undefined) throw error;
    throw new UserError(`image ${path}: ${problem}`);
  }
}

function elfProgram(elf: ElfFile): ProgramFile {
  if (elf.machine !== ELF_MACHINE.AARCH64) {
    throw new BootImageError(`the ELF file is for machine ${elf.machine}; arm64 is ${ELF_MACHINE.AARCH64}`);
  }
  const loaded = elf.segments.filter(({ type }) => type === SEGMENT_TYPE.LOAD);
  return {
    symbols: kernelSymbolsOfElf(elf),
    kernel: undefined,
    read: (address, length) => {
      for (const segment of loaded) {
        const at = Number(address - segment.virtualAddress);
        if (at >= 0 && at < segment.fileSize) return slice(segmentBytes(elf, segment), at, length);
      }
      return undefined;
    },
  };
}

function slice(bytes: Uint8Array, at: number, length: number): Uint8Array | undefined {
  return at >= 0 && at + length <= bytes.length ? bytes.subarray(at, at + length) : undefined;
}
