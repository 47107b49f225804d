// DWARF 5, chapter 7 ("Data Representation"); only those that are used.

/** Standard opcodes of the line number program (table 7.25). */
export const LINE_OPCODE = {
  EXTENDED: 0,
  COPY: 1,
  ADVANCE_PC: 2,
  ADVANCE_LINE: 3,
  SET_FILE: 4,
  SET_COLUMN: 5,
  NEGATE_STMT: 6,
  SET_BASIC_BLOCK: 7,
  CONST_ADD_PC: 8,
  FIXED_ADVANCE_PC: 9,
  SET_PROLOGUE_END: 10,
  SET_EPILOGUE_BEGIN: 11,
  SET_ISA: 12,
} as const;

/** Number of operands that each standard opcode has, by opcode, as headers give it (6.2.4, standard_opcode_lengths). */
export const LINE_OPERANDS: readonly number[] = [0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];

/** Extended opcodes (table 7.26). */
export const LINE_EXTENDED = {
  END_SEQUENCE: 1,
  SET_ADDRESS: 2,
  DEFINE_FILE: 3,
  SET_DISCRIMINATOR: 4,
} as const;

/** Content types of directory and file entries since version 5 (table 7.27). */
export const LINE_CONTENT = { PATH: 1, DIRECTORY_INDEX: 2 } as const;

/** Attribute forms that line tables use (table 7.6). */
export const FORM = {
  BLOCK2: 0x03,
  BLOCK4: 0x04,
  DATA2: 0x05,
  DATA4: 0x06,
  DATA8: 0x07,
  STRING: 0x08,
  BLOCK: 0x09,
  BLOCK1: 0x0a,
  DATA1: 0x0b,
  SDATA: 0x0d,
  STRP: 0x0e,
  UDATA: 0x0f,
  DATA16: 0x1e,
  LINE_STRP: 0x1f,
} as const;
