import { BoundedReader } from "./boundedReader.ts";
import { type ElfFile, sectionBytes, segmentBytes } from "./elf.ts";
import { ELF64_SIZE, GNU_NOTE_TYPE, SECTION_TYPE, SEGMENT_TYPE } from "./elfConstants.ts";
import { ElfError } from "./elfError.ts";
import { decodeName } from "./text.ts";

/** One note: `name` without its NUL, `type` as its owner defines it, `descriptor` shared with the input. */
export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly descriptor: Uint8Array;
}

/**
 * Splits the contents of a note section or segment (gABI "Note Section"; fields padded to 4 bytes).
 * @param base file offset of `bytes`, for messages.
 * @throws ElfError when a note reaches past the end.
 */
export function parseNotes(bytes: Uint8Array, littleEndian: boolean, base: number): ElfNote[] {
  const reader = new BoundedReader(
    bytes,
    littleEndian,
    (what, where, problem) => new ElfError(what, where === undefined ? undefined : where + base, problem),
  );
  const decoder = new TextDecoder();
  const notes: ElfNote[] = [];
  let at = 0;
  while (bytes.length - at >= ELF64_SIZE.NOTE_HEADER) {
    const nameSize = reader.u32(at, "note");
    const descriptorSize = reader.u32(at + 4, "note");
    const type = reader.u32(at + 8, "note");
    const nameAt = at + ELF64_SIZE.NOTE_HEADER;
    const name = reader.slice(nameAt, nameSize, "name of a note");
    const descriptorAt = nameAt + Math.ceil(nameSize / 4) * 4;
    const descriptor = reader.slice(descriptorAt, descriptorSize, "descriptor of a note");
    const end = name.indexOf(0);
    notes.push({ name: decodeName(end < 0 ? name : name.subarray(0, end), decoder), type, descriptor });
    at = descriptorAt + Math.ceil(descriptorSize / 4) * 4;
  }
  return notes;
}

/**
 * The GNU build id in lower-case hexadecimal, from the note sections or else the note segments; undefined when none.
 * @throws ElfError when a note is malformed.
 */
export function buildId(elf: ElfFile): string | undefined {
  const sections = elf.sections.filter((section) => section.type === SECTION_TYPE.NOTE);
  const blocks =
    sections.length > 0
      ? sections.map((section) => ({ bytes: sectionBytes(elf, section), base: section.offset }))
      : elf.segments
          .filter((segment) => segment.type === SEGMENT_TYPE.NOTE)
          .map((segment) => ({ bytes: segmentBytes(elf, segment), base: segment.offset }));
  for (const { bytes, base } of blocks) {
    const found = parseNotes(bytes, elf.littleEndian, base).find(
      (note) => note.name === "GNU" && note.type === GNU_NOTE_TYPE.BUILD_ID,
    );
    if (found !== undefined)
      return Array.from(found.descriptor, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return undefined;
}
