import { openImage } from "../machine/boot/open.ts";
import { isBzImage } from "../machine/boot/x86/bzImage.ts";
import { DebuggerError } from "./errors.ts";
import { type ElfFile, parseElf, segmentBytes } from "./symbols/elf.ts";
import { ELF_MACHINE, SEGMENT_TYPE } from "./symbols/elfConstants.ts";
import { kernelSymbolsOfElf } from "./symbols/elfSymbols.ts";
import { recoverKallsyms, recoverLoadedKallsyms } from "./symbols/kallsyms/recover.ts";
import type { LinkedKernel } from "./symbols/kaslr.ts";
import { KernelText } from "./symbols/kernelText.ts";
import type { KernelSymbol } from "./symbols/symbol.ts";
import { SymbolTable } from "./symbols/symbolTable.ts";

/** A program's symbols as linked. `kernel` is there when the program may run elsewhere: then its text is needed to find it. */
export interface ProgramSymbols {
  readonly symbols: SymbolTable;
  readonly kernel: LinkedKernel | undefined;
}

/** A kernel's image is smaller than this, unpacked. */
const largestImage = 1 << 30;
/** Addresses from here on are the kernel's half. */
const kernelHalf = 1n << 63n;

/**
 * The symbols of a program: an ELF file (a `vmlinux`, or a program without an operating system), or an arm64 kernel `Image`,
 * packed or not, which carries its own.
 * @throws ElfError, KallsymsError or BootImageError for a file that is damaged; DebuggerError when it has no symbols.
 */
export async function readProgramSymbols(file: Uint8Array): Promise<ProgramSymbols> {
  const isElf = file[0] === 0x7f && file[1] === 0x45 && file[2] === 0x4c && file[3] === 0x46;
  return isElf ? fromElf(file) : fromImage(file);
}

async function fromImage(file: Uint8Array): Promise<ProgramSymbols> {
  if (isBzImage(file))
    throw new DebuggerError(
      "invalid",
      "a bzImage is packed; unpack the vmlinux that is in it (extract-vmlinux, of Linux' own scripts) and use that, also to boot",
    );
  const image = await openImage(file, largestImage);
  if (image.kind !== "arm64-image")
    throw new DebuggerError(
      "invalid",
      "symbols come from an ELF file or an arm64 Linux Image; this is neither",
    );
  const recovered = recoverKallsyms(image.bytes);
  const end = recovered.textBase + BigInt(recovered.memorySize);
  const symbols = SymbolTable.from(recovered.symbols, end);
  return { symbols, kernel: { symbols, text: new KernelText(recovered, image.bytes) } };
}

/** An x86 kernel's `vmlinux` as distributions pack it: its symbols are in the table it has for its own backtraces. */
function fromStrippedKernel(elf: ElfFile): ProgramSymbols {
  const stripped = new DebuggerError("invalid", "the ELF file has no symbol table: it was stripped");
  const loaded = elf.segments.filter(
    ({ type, virtualAddress }) => type === SEGMENT_TYPE.LOAD && virtualAddress >= kernelHalf,
  );
  const [first] = loaded;
  if (elf.machine !== ELF_MACHINE.X86_64 || first === undefined) throw stripped;
  const start = first.virtualAddress;
  const ends = loaded.map(
    ({ virtualAddress, memorySize }) => Number(virtualAddress - start) + Number(memorySize),
  );
  const size = Math.max(...ends);
  if (size > largestImage) throw stripped;
  const image = new Uint8Array(size);
  for (const segment of loaded) image.set(segmentBytes(elf, segment), Number(segment.virtualAddress - start));
  const { symbols } = recoverLoadedKallsyms(image, size);
  // It runs where it was linked: only its packed form moves itself.
  return { symbols: SymbolTable.from(symbols, start + BigInt(size)), kernel: undefined };
}

function fromElf(file: Uint8Array): ProgramSymbols {
  const elf = parseElf(file);
  const all = kernelSymbolsOfElf(elf);
  if (all.length === 0) return fromStrippedKernel(elf);
  const loaded = elf.segments.filter(({ type, memorySize }) => type === SEGMENT_TYPE.LOAD && memorySize > 0n);
  const end = loaded.reduce((most, { virtualAddress, memorySize }) => {
    const top = virtualAddress + memorySize;
    return top > most ? top : most;
  }, 0n);
  const symbols = SymbolTable.from(all, end);
  const text = all.find(({ name }) => name === "_text")?.address;
  const isKernel = text !== undefined && text >= kernelHalf;
  return { symbols, kernel: isKernel ? linkedKernel(all, symbols, text, loaded, elf) : undefined };
}

function linkedKernel(
  all: readonly KernelSymbol[],
  symbols: SymbolTable,
  textBase: bigint,
  loaded: ReturnType<typeof parseElf>["segments"],
  elf: ReturnType<typeof parseElf>,
): LinkedKernel | undefined {
  const inImage = loaded.filter(({ virtualAddress }) => virtualAddress >= textBase);
  const length = inImage.reduce(
    (most, { virtualAddress, fileSize }) => Math.max(most, Number(virtualAddress - textBase) + fileSize),
    0,
  );
  if (length === 0 || length > largestImage) return undefined;
  const image = new Uint8Array(length);
  for (const segment of inImage)
    image.set(segmentBytes(elf, segment), Number(segment.virtualAddress - textBase));
  return { symbols, text: new KernelText({ symbols: all, textBase }, image) };
}
