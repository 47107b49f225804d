// Values of the System V gABI ("Object Files") and of the processor supplements; only those that are used.

/** e_type. */
export const ELF_TYPE = { REL: 1, EXEC: 2, DYN: 3, CORE: 4 } as const;

/** e_machine of the architectures that guests have. */
export const ELF_MACHINE = { X86_64: 62, AARCH64: 183, LOONGARCH: 258 } as const;

/** p_type. */
export const SEGMENT_TYPE = { NULL: 0, LOAD: 1, DYNAMIC: 2, INTERP: 3, NOTE: 4 } as const;

/** p_flags. */
export const SEGMENT_FLAG = { EXECUTE: 1, WRITE: 2, READ: 4 } as const;

/** sh_type. */
export const SECTION_TYPE = {
  NULL: 0,
  PROGBITS: 1,
  SYMTAB: 2,
  STRTAB: 3,
  RELA: 4,
  NOTE: 7,
  NOBITS: 8,
  DYNSYM: 11,
  SYMTAB_SHNDX: 18,
} as const;

/** sh_flags. */
export const SECTION_FLAG = { WRITE: 1, ALLOC: 2, EXECINSTR: 4, COMPRESSED: 0x800 } as const;

/** Reserved section indexes (gABI "Special Section Indexes"). */
export const SECTION_INDEX = {
  UNDEF: 0,
  LORESERVE: 0xff00,
  ABS: 0xfff1,
  COMMON: 0xfff2,
  XINDEX: 0xffff,
} as const;

/** Low four bits of st_info. */
export const SYMBOL_TYPE = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4, GNU_IFUNC: 10 } as const;

/** High four bits of st_info. */
export const SYMBOL_BINDING = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;

/** n_type of notes whose name is "GNU". */
export const GNU_NOTE_TYPE = { BUILD_ID: 3 } as const;

/** Sizes of the 64-bit class's structures, in bytes. */
export const ELF64_SIZE = {
  FILE_HEADER: 64,
  SECTION_HEADER: 64,
  SEGMENT_HEADER: 56,
  SYMBOL: 24,
  NOTE_HEADER: 12,
} as const;
