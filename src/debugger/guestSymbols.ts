import type { DebugArchitecture } from "./architecture.ts";
import type { MemoryView } from "./memory.ts";
import { type ProgramSymbols, readProgramSymbols } from "./programSymbols.ts";
import type { Backtrace } from "./symbols/arm64/unwind.ts";
import { type KernelPlacement, locateKernel } from "./symbols/kaslr.ts";
import type { ReadMemory } from "./symbols/readMemory.ts";
import type { SymbolTable } from "./symbols/symbolTable.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** Where the program was found, before and after the guest switched translation on. */
interface Placements {
  physical: Pick<KernelPlacement, "slide"> | undefined;
  virtual: Pick<KernelPlacement, "slide"> | undefined;
}

/**
 * The guest's symbols. A kernel may have been moved (KASLR), and before it switches translation on it runs at physical addresses:
 * what a vCPU shows of it tells by how much, as soon as there is something to see.
 */
export class GuestSymbols {
  readonly #architecture: DebugArchitecture;
  readonly #memory: MemoryView;
  #program: ProgramSymbols | undefined;
  #placed: Placements = { physical: undefined, virtual: undefined };

  constructor(architecture: DebugArchitecture, memory: MemoryView) {
    this.#architecture = architecture;
    this.#memory = memory;
  }

  /** Takes the symbols of a file in place of earlier ones. @throws as `readProgramSymbols`; earlier ones stay then. */
  async load(file: Uint8Array): Promise<void> {
    this.#program = await readProgramSymbols(file);
    this.forgetPlacement();
  }

  /** Symbols of this program in place of earlier ones. */
  use(program: ProgramSymbols): void {
    this.#program = program;
    this.forgetPlacement();
  }

  /** The guest starts anew, perhaps elsewhere. */
  forgetPlacement(): void {
    this.#placed = { physical: undefined, virtual: undefined };
  }

  /** The symbols as linked; undefined when none are loaded. */
  get linked(): SymbolTable | undefined {
    return this.#program?.symbols;
  }

  /** Whether it is known where the program runs. */
  get isPlaced(): boolean {
    return this.#program?.kernel === undefined || this.#placed.virtual !== undefined;
  }

  /** A symbol of the program was reached at this virtual address. Returns the slide; undefined when there is no such symbol. */
  place(name: string, pc: bigint): bigint | undefined {
    const linked = this.#program?.symbols.addressOf(name);
    if (linked === undefined) return undefined;
    const slide = BigInt.asIntN(64, pc - linked);
    this.#placed.virtual = { slide };
    return slide;
  }

  /** The guest-physical address of a symbol, as far as the guest still runs at physical addresses and shows where it is. */
  physicalAddressOf(name: string, vcpu: DebuggedVcpu): bigint | undefined {
    const linked = this.#program?.symbols.addressOf(name);
    if (linked === undefined || this.#observe(vcpu)) return undefined;
    const placed = this.#placed.physical;
    return placed === undefined ? undefined : BigInt.asUintN(64, linked + placed.slide);
  }

  /** Whether an address lies in a program that can be moved, as it was linked. */
  isLinkAddress(address: bigint): boolean {
    const program = this.#program;
    const text = program?.kernel?.text;
    if (text === undefined || address < text.textBase) return false;
    // Behind the image is memory that it does not contain, such as .bss.
    return address < text.textBase + BigInt(text.length) || program?.symbols.locate(address) !== undefined;
  }

  /**
   * How far the program runs from where it was linked, once that is known; 0 for one that cannot be moved. Looks at the vCPU if
   * it is not known yet.
   */
  slide(vcpu: DebuggedVcpu): bigint | undefined {
    if (this.#program === undefined) return undefined;
    if (this.#program.kernel === undefined) return 0n;
    this.#observe(vcpu);
    return this.#placed.virtual?.slide;
  }

  /**
   * The symbols where they are for this vCPU: physical while its translation is off; where they were linked as long as nothing
   * else is known.
   */
  table(vcpu: DebuggedVcpu): SymbolTable | undefined {
    const program = this.#program;
    if (program?.kernel === undefined) return program?.symbols;
    const translated = this.#observe(vcpu);
    const placement = translated ? this.#placed.virtual : this.#placed.physical;
    return placement === undefined ? program.symbols : program.symbols.slid(placement.slide);
  }

  /**
   * The address of a symbol, virtual also while the guest's translation is still off: for breakpoints. As linked as long as it is
   * not known to be elsewhere. Undefined when there is no such symbol.
   */
  addressOf(name: string, vcpu: DebuggedVcpu): bigint | undefined {
    const address = this.#program?.symbols.addressOf(name);
    if (address === undefined) return undefined;
    return BigInt.asUintN(64, address + (this.slide(vcpu) ?? 0n));
  }

  /** `name+0xoffset` of an address as the vCPU sees it; undefined when it belongs to no symbol. */
  describe(address: bigint, vcpu: DebuggedVcpu): string | undefined {
    return this.table(vcpu)?.describe(address);
  }

  /** The vCPU's call stack, innermost frame first; with names as far as there are symbols. */
  backtrace(vcpu: DebuggedVcpu, mostFrames?: number): Backtrace {
    return this.#architecture.backtrace(vcpu.kvm, this.#reader(vcpu), this.table(vcpu), mostFrames);
  }

  #reader(vcpu: DebuggedVcpu): ReadMemory {
    return (address, length) => {
      const bytes = new Uint8Array(length);
      return this.#memory.readVirtual(vcpu.kvm, address, bytes) === length ? bytes : undefined;
    };
  }

  /** Looks where the program is, if that is not known. Returns whether the vCPU's translation is on. */
  #observe(vcpu: DebuggedVcpu): boolean {
    const { translated, kernel: observation } = this.#architecture.observe(vcpu.kvm);
    const kernel = this.#program?.kernel;
    if (kernel !== undefined) {
      if (translated) this.#placed.virtual ??= locateKernel(kernel, observation, this.#reader(vcpu));
      else this.#placed.physical ??= locateKernel(kernel, observation, this.#reader(vcpu));
    }
    return translated;
  }
}
