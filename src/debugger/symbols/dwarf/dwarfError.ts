/** Debug information that contradicts itself or uses what is not read. Names the section, the place and the reason. */
export class DwarfError extends Error {
  override readonly name = "DwarfError";
  readonly section: string;
  /** Byte offset in the section. */
  readonly offset: number;

  constructor(section: string, offset: number, problem: string) {
    super(`DWARF: ${section} at offset 0x${offset.toString(16)}: ${problem}`);
    this.section = section;
    this.offset = offset;
  }
}
