import type { Utf8Decoder } from "../text.ts";
import { LINE_EXTENDED, LINE_OPCODE, LINE_OPERANDS } from "./constants.ts";
import { DwarfCursor } from "./cursor.ts";
import { filePath, type LineFile, type LineHeader, type LineSections } from "./lineHeader.ts";

/** A row of the line table, as far as a debugger uses it. Distances are bytes from the sequence's first address. */
export interface LineRow {
  readonly distance: number;
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly isStatement: boolean;
  readonly isPrologueEnd: boolean;
}

/** Told what a program does. `base` is the address that distances count from. */
export interface LineReceiver {
  /** A row; null when the caller needs none. The object is the receiver's to keep. */
  row?(row: LineRow): void;
  /** The end of a sequence of rows: its first address, and the distance behind its last instruction. */
  endSequence(base: bigint, size: number): void;
}

/** Registers of the state machine (DWARF 5, 6.2.2) that change with each row. */
interface Registers {
  base: bigint;
  hasBase: boolean;
  hasRows: boolean;
  distance: number;
  operation: number;
  file: number;
  line: number;
  column: number;
  isStatement: boolean;
  isPrologueEnd: boolean;
}

function initial(header: LineHeader): Registers {
  return {
    base: 0n,
    hasBase: false,
    hasRows: false,
    distance: 0,
    operation: 0,
    file: 1,
    line: 1,
    column: 0,
    isStatement: header.defaultIsStatement,
    isPrologueEnd: false,
  };
}

/**
 * Runs a unit's line number program (DWARF 5, 6.2.5). Returns the unit's files, those that the program itself
 * defines (DW_LNE_define_file, up to version 4) included.
 * @throws DwarfError when an instruction is cut off or an address leaves what numbers can hold.
 */
export function runLineProgram(
  sections: LineSections,
  header: LineHeader,
  decoder: Utf8Decoder,
  receiver: LineReceiver,
): readonly (LineFile | undefined)[] {
  const cursor = new DwarfCursor(
    sections.line,
    ".debug_line",
    sections.littleEndian,
    header.program,
    header.end,
  );
  const { lineBase, lineRange, opcodeBase, minimumInstructionLength, maximumOperations } = header;
  let files = header.files;
  let state = initial(header);

  const advance = (operations: number): void => {
    // 6.2.5.1: with one operation per instruction op_index stays 0.
    const total = state.operation + operations;
    state.distance += minimumInstructionLength * Math.floor(total / maximumOperations);
    state.operation = total % maximumOperations;
    if (!Number.isSafeInteger(state.distance)) throw cursor.fault("an address leaves the address space");
  };
  const emit = (): void => {
    state.hasRows = true;
    if (receiver.row !== undefined) {
      const { distance, file, line, column, isStatement, isPrologueEnd } = state;
      receiver.row({ distance, file, line, column, isStatement, isPrologueEnd });
    }
    state.isPrologueEnd = false;
  };

  const extended = (): void => {
    const length = cursor.uleb();
    if (length === 0) return;
    const from = cursor.at;
    const opcode = cursor.u8();
    switch (opcode) {
      case LINE_EXTENDED.END_SEQUENCE:
        receiver.endSequence(state.base, state.distance);
        state = initial(header);
        break;
      case LINE_EXTENDED.SET_ADDRESS: {
        const address = cursor.address(length - 1);
        if (!state.hasRows) {
          state.base = address;
          state.distance = 0;
        } else {
          state.distance = Number(address - state.base);
          if (state.distance < 0) throw cursor.fault("an address goes back within a sequence", from);
        }
        state.operation = 0;
        break;
      }
      case LINE_EXTENDED.DEFINE_FILE: {
        const name = cursor.string(decoder);
        files = [...files, { path: filePath(name, cursor.uleb(), header.directories) }];
        break;
      }
      default: // discriminators and vendors' own
    }
    cursor.at = from;
    cursor.skip(length);
  };

  const standard = (opcode: number): void => {
    if (opcode >= LINE_OPERANDS.length || header.operands[opcode] !== LINE_OPERANDS[opcode]) {
      for (let left = header.operands[opcode] ?? 0; left > 0; left--) cursor.uleb();
      return;
    }
    switch (opcode) {
      case LINE_OPCODE.COPY:
        emit();
        break;
      case LINE_OPCODE.ADVANCE_PC:
        advance(cursor.uleb());
        break;
      case LINE_OPCODE.ADVANCE_LINE:
        state.line += cursor.sleb();
        break;
      case LINE_OPCODE.SET_FILE:
        state.file = cursor.uleb();
        break;
      case LINE_OPCODE.SET_COLUMN:
        state.column = cursor.uleb();
        break;
      case LINE_OPCODE.NEGATE_STMT:
        state.isStatement = !state.isStatement;
        break;
      case LINE_OPCODE.CONST_ADD_PC:
        advance(Math.floor((255 - opcodeBase) / lineRange));
        break;
      case LINE_OPCODE.FIXED_ADVANCE_PC:
        state.distance += cursor.u16();
        state.operation = 0;
        break;
      case LINE_OPCODE.SET_PROLOGUE_END:
        state.isPrologueEnd = true;
        break;
      case LINE_OPCODE.SET_ISA:
        cursor.uleb();
        break;
      default: // basic blocks and epilogues are of no use here and have no operands
    }
  };

  while (!cursor.isDone) {
    const opcode = cursor.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      advance(Math.floor(adjusted / lineRange));
      state.line += lineBase + (adjusted % lineRange);
      emit();
    } else if (opcode === LINE_OPCODE.EXTENDED) {
      extended();
    } else {
      standard(opcode);
    }
  }
  return files;
}
