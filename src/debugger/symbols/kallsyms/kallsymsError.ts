/** A kernel image whose symbol names could not be recovered. `stage` is how far the search came. */
export class KallsymsError extends Error {
  override readonly name = "KallsymsError";
  readonly stage: KallsymsStage;

  constructor(stage: KallsymsStage, problem: string) {
    super(`kallsyms: ${problem}`);
    this.stage = stage;
  }
}

/** The parts of the table in the order in which they are found. */
export const KALLSYMS_STAGES = ["token table", "names", "addresses", "link address", "validation"] as const;

/** One of `KALLSYMS_STAGES`. */
export type KallsymsStage = (typeof KALLSYMS_STAGES)[number];
