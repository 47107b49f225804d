import type { KernelText, TextMatch } from "./kernelText.ts";
import type { ReadMemory } from "./readMemory.ts";
import type { SymbolTable } from "./symbolTable.ts";

/**
 * What can be seen of a guest from outside. All addresses are of the regime that the `read` given with them uses:
 * virtual when the MMU is on, physical when it is off.
 */
export interface KernelObservation {
  /** VBAR_EL1 (or VBAR_EL2 of a kernel that runs there). */
  readonly vectorBase?: bigint;
  /** A PC, LR or other address that was in the kernel's text, most telling first. */
  readonly codeAddresses?: readonly bigint[];
}

/** Where the kernel is. */
export interface KernelPlacement {
  /** Address of the image's first byte (`_text`), virtual or physical as the observation was. */
  readonly base: bigint;
  /** `base` minus the link-time address of `_text`: what to give to `SymbolTable.slid`. */
  readonly slide: bigint;
  /** What gave it away. */
  readonly by: "vectors" | "code" | "page-table" | "scan";
  readonly match: TextMatch;
}

/** The kernel as linked: its symbols without slide, and its text to compare with. */
export interface LinkedKernel {
  readonly symbols: SymbolTable;
  readonly text: KernelText;
}

/** Pages are the least by which the kernel can be moved: KASLR and relocation both work with page tables. */
const PAGE = 4096;
/** Instructions compared at an observed code address before the whole text is. */
const PROBE_BYTES = 64;
/**
 * Symbols VBAR_ELx may hold, with the distances from them: the vectors proper, the four copies that Spectre-BHB
 * mitigation uses on the way to EL0 (2 KiB each), and the stub's before the kernel has its own.
 */
const VECTORS: readonly { readonly name: string; readonly distances: readonly bigint[] }[] = [
  { name: "vectors", distances: [0n] },
  { name: "__bp_harden_el1_vectors", distances: [0n, 0x800n, 0x1000n, 0x1800n] },
  { name: "__hyp_stub_vectors", distances: [0n] },
  { name: "__kvm_hyp_vector", distances: [0n] },
];

const isGood = ({ confidence }: TextMatch): boolean => confidence === "certain" || confidence === "likely";

function place(kernel: LinkedKernel, base: bigint, by: KernelPlacement["by"], read: ReadMemory) {
  const match = kernel.text.compareAt(base, read);
  if (!isGood(match)) return undefined;
  return { base, slide: base - kernel.text.textBase, by, match };
}

function fromVectors(kernel: LinkedKernel, observed: bigint, read: ReadMemory): KernelPlacement | undefined {
  for (const { name, distances } of VECTORS) {
    for (const symbol of kernel.symbols.named(name)) {
      const link = symbol.address - kernel.symbols.slide;
      for (const distance of distances) {
        const slide = observed - (link + distance);
        if (slide % BigInt(PAGE) !== 0n) continue;
        const found = place(kernel, BigInt.asUintN(64, kernel.text.textBase + slide), "vectors", read);
        if (found !== undefined) return found;
      }
    }
  }
  return undefined;
}

function fromCode(kernel: LinkedKernel, address: bigint, read: ReadMemory): KernelPlacement | undefined {
  if (address % 4n !== 0n) return undefined;
  const bytes = read(address, PROBE_BYTES);
  if (bytes === undefined || bytes.length < PROBE_BYTES) return undefined;
  const inPage = Number(address % BigInt(PAGE));
  const basePage = Number(kernel.text.textBase % BigInt(PAGE));
  // The address keeps its place in its page, so only one image offset per page comes into question.
  for (let offset = (inPage - basePage + PAGE) % PAGE; offset < kernel.text.length; offset += PAGE) {
    if (!kernel.text.resembles(offset, bytes)) continue;
    const found = place(kernel, BigInt.asUintN(64, address - BigInt(offset)), "code", read);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Finds where a kernel runs (KASLR, or physical placement before the MMU is on) from what was observed, and verifies
 * it: samples of text all over the kernel must be in memory where the answer says. Undefined when nothing fits, e.g.
 * because the CPU was in user mode with the kernel unmapped: try again at the next stop.
 * @param kernel symbols and text with link-time addresses.
 * @param read memory in the regime the observed addresses belong to.
 */
export function locateKernel(
  kernel: LinkedKernel,
  observation: KernelObservation,
  read: ReadMemory,
): KernelPlacement | undefined {
  if (observation.vectorBase !== undefined) {
    const found = fromVectors(kernel, observation.vectorBase, read);
    if (found !== undefined) return found;
  }
  for (const address of observation.codeAddresses ?? []) {
    const found = fromCode(kernel, address, read);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** booting.rst: the image stands at a 2 MiB boundary, plus text_offset; EFI may leave it at any 64 KiB boundary. */
const PLACEMENT_STEP = 0x10000n;

/**
 * Looks for the kernel in physical memory when nothing was observed.
 * @param ranges RAM, as first address and size in bytes; of hostile size too, so at most `mostPlaces` are tried.
 */
export function findKernelInMemory(
  kernel: LinkedKernel,
  ranges: readonly { readonly start: bigint; readonly size: bigint }[],
  readPhysical: ReadMemory,
  mostPlaces = 1 << 20,
): KernelPlacement | undefined {
  let left = mostPlaces;
  const { probe } = kernel.text;
  if (probe === undefined) return undefined;
  for (const { start, size } of ranges) {
    const first = ((start + PLACEMENT_STEP - 1n) / PLACEMENT_STEP) * PLACEMENT_STEP;
    for (let base = first; base + BigInt(probe) < start + size; base += PLACEMENT_STEP) {
      if (--left < 0) return undefined;
      const bytes = readPhysical(base + BigInt(probe), PROBE_BYTES);
      if (bytes === undefined || !kernel.text.resembles(probe, bytes)) continue;
      const found = place(kernel, base, "scan", readPhysical);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/**
 * Physical address of the image's first byte from the page table of the kernel's half: TTBR1_EL1 holds the physical
 * address of `swapper_pg_dir`, which lies in the image. Undefined without that symbol (CONFIG_KALLSYMS_ALL) or when
 * the text is not there.
 * @param ttbr1 value of TTBR1_EL1; ASID (63:48) and CnP (0) are ignored.
 */
export function physicalBaseFromTtbr1(
  kernel: LinkedKernel,
  ttbr1: bigint,
  readPhysical: ReadMemory,
): KernelPlacement | undefined {
  const table = kernel.symbols.addressOf("swapper_pg_dir");
  if (table === undefined) return undefined;
  // Arm ARM, TTBR1_EL1.BADDR: bits 47:1; with 52-bit addresses bits 5:2 of the register are bits 51:48.
  const low = ttbr1 & 0x0000_ffff_ffff_f000n;
  const high = ((ttbr1 >> 2n) & 15n) << 48n;
  const offset = table - kernel.symbols.slide - kernel.text.textBase;
  for (const address of high === 0n ? [low] : [low, low | high]) {
    const found = place(kernel, address - offset, "page-table", readPhysical);
    if (found !== undefined) return found;
  }
  return undefined;
}
