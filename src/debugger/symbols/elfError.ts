/** A file that is not the ELF it claims to be. The message names what was read, where, and why it cannot be. */
export class ElfError extends Error {
  override readonly name = "ElfError";
  /** The structure or field that was being read. */
  readonly what: string;
  /** Byte offset in the file, undefined when the fault has no single place. */
  readonly where: number | undefined;

  constructor(what: string, where: number | undefined, problem: string) {
    super(`ELF: ${what}${where === undefined ? "" : ` at file offset 0x${where.toString(16)}`}: ${problem}`);
    this.what = what;
    this.where = where;
  }
}
