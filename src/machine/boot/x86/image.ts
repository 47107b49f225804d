/** The forms of x86 guests that can be started. */

/** A part of an ELF file that belongs in memory. */
export interface X86Segment {
  readonly address: bigint;
  readonly virtualAddress: bigint;
  readonly bytes: Uint8Array;
  /** At least as many as `bytes`; the rest is zero. */
  readonly memorySize: bigint;
}

/** An ELF executable. */
export interface X86Elf {
  readonly kind: "elf";
  readonly bits: 32 | 64;
  readonly segments: readonly X86Segment[];
  /** Physical. */
  readonly entry: bigint;
  /** Where PVH enters it, in 32-bit protected mode: its note XEN_ELFNOTE_PHYS32_ENTRY. */
  readonly pvhEntry: bigint | undefined;
}

/** Where a Multiboot header asks to be loaded instead of what an ELF file says ("a.out kludge"). */
export interface MultibootAddresses {
  readonly header: number;
  readonly load: number;
  /** 0: to the end of the file. */
  readonly loadEnd: number;
  readonly bssEnd: number;
  readonly entry: number;
}

/** A kernel with a Multiboot (version 1) header. */
export interface MultibootImage {
  readonly kind: "multiboot";
  readonly bytes: Uint8Array;
  /** Offset of the header in the file. */
  readonly headerAt: number;
  readonly addresses: MultibootAddresses | undefined;
  /** What the file is besides, where there are no addresses. */
  readonly elf: X86Elf | undefined;
}

/** Linux's bzImage. */
export interface BzImage {
  readonly kind: "bzimage";
  /** By which entry point it is started: the one of 64 bits if it has one. */
  readonly bits: 32 | 64;
  readonly bytes: Uint8Array;
  /** Sectors of real-mode code before the kernel, the boot sector included. */
  readonly setupBytes: number;
  readonly preferredAddress: bigint;
  readonly alignment: bigint;
  readonly relocatable: boolean;
  /** Memory it needs from where it is loaded. */
  readonly initSize: bigint;
  readonly commandLineBytes: number;
  /** The highest address of an initial RAM disk's last byte. */
  readonly initrdMaximum: bigint;
}

/** Bytes that say nothing of themselves: a boot sector, in real mode at 0x7C00. */
export interface X86Flat {
  readonly kind: "flat";
  readonly bytes: Uint8Array;
}

/** An x86 guest. */
export type X86Image = X86Elf | MultibootImage | BzImage | X86Flat;
