import type { Translation, Translator } from "./translation.ts";

/** A page of guest code as the region compiler sees it; offsets in bytes. */
export interface CodePage {
  /** The instruction at this offset; undefined where the interpreter must be (a mark). */
  word(offset: number): number | undefined;
  /** Whether it has ever been reached. */
  reached(offset: number): boolean;
  /** Whether it has often been reached by a jump. */
  warm(offset: number): boolean;
  /** Whether another region begins a block here. */
  isEntry(offset: number): boolean;
}

/** Instructions that follow each other; only the last one may jump. */
export interface Block {
  readonly offset: number;
  readonly instructions: readonly Translation[];
  /** Whether control that goes on behind the block is at an instruction that no region can hold. */
  readonly blocked: boolean;
}

/** How far to look. */
export interface BlockLimits {
  readonly instructions: number;
  readonly blocks: number;
  /** A region of that many instructions takes in no more of what it calls: it would load and store the registers of all of it. */
  readonly together: number;
  /** Follow branches also to code that has not been reached. */
  readonly speculative: boolean;
}

const pageBytes = 0x1000;

/** Instructions that a region may have in common with others, so that loops are whole and pages are not compiled again and again. */
const mostRepeated = 24;
const mostRepeatedAtOnce = 100;

/**
 * Finds the blocks of a page that control can get to from the first of `roots` without leaving the page, and from the others as
 * far as there is room, by offset. Empty when no root can
 * be compiled.
 */
export function findBlocks(
  page: CodePage,
  roots: readonly number[],
  translator: Translator,
  limits: BlockLimits,
): readonly Block[] {
  return new Search(page, translator, limits).run(roots);
}

class Search {
  readonly #page: CodePage;
  readonly #translator: Translator;
  readonly #limits: BlockLimits;
  readonly #step: number;
  readonly #found = new Map<number, Translation>();
  readonly #leaders = new Set<number>();
  readonly #queue: number[] = [];
  /** Beginnings of code that is called, which comes last. */
  readonly #called: number[] = [];
  /** Instructions taken that another region has too. */
  #repeated = 0;
  /** Whether the instructions being walked are in another region. */
  #foreign = false;
  /** Offsets where control gets to and no region can be. */
  readonly #blocked = new Set<number>();

  constructor(page: CodePage, translator: Translator, limits: BlockLimits) {
    this.#page = page;
    this.#translator = translator;
    this.#limits = limits;
    this.#step = translator.set.instructionBytes;
  }

  run(roots: readonly number[]): readonly Block[] {
    const others = [...roots];
    this.#lead(others.shift() ?? 0, "root");
    let next = 0;
    for (;;) {
      for (; next < this.#queue.length; next++) this.#walk(this.#queue[next] ?? 0);
      if (this.#found.size >= this.#limits.together) break;
      const called = this.#called.shift();
      const other = called ?? others.shift();
      if (other === undefined) break;
      this.#lead(other, called === undefined ? "root" : "jump");
    }
    return this.#blocks();
  }

  /** A block begins at this offset. */
  #lead(offset: number, how: "root" | "jump" | "next"): void {
    if (offset < 0 || offset >= pageBytes || this.#leaders.has(offset)) return;
    if (this.#found.has(offset)) {
      this.#leaders.add(offset);
      return;
    }
    if (how !== "root") {
      const known = how === "jump" ? this.#page.warm(offset) : this.#page.reached(offset);
      if (!this.#limits.speculative && !known) return;
      if (this.#page.isEntry(offset) && this.#repeated >= mostRepeated) return;
    }
    if (this.#leaders.size >= this.#limits.blocks) return;
    this.#leaders.add(offset);
    this.#queue.push(offset);
  }

  #walk(begin: number): void {
    this.#foreign = this.#page.isEntry(begin);
    if (this.#foreign && this.#repeated >= mostRepeated) return;
    for (let offset = begin; offset < pageBytes; offset += this.#step) {
      if (this.#found.has(offset)) {
        this.#leaders.add(offset);
        return;
      }
      if (this.#found.size === this.#limits.instructions) return;
      // To the end of what another region has begun: where that stops, there would be a block for ever.
      if (offset !== begin && this.#page.isEntry(offset)) {
        if (this.#repeated >= mostRepeated) return;
        this.#foreign = true;
      }
      if (this.#foreign && this.#repeated >= mostRepeatedAtOnce) return;
      const word = this.#page.word(offset);
      const translation = word === undefined ? undefined : this.#translator.translate(word);
      if (translation?.compilable !== true) {
        this.#blocked.add(offset);
        this.#lead(offset + this.#step, "next");
        return;
      }
      this.#found.set(offset, translation);
      if (this.#foreign) this.#repeated++;
      const { jumps, fallsThrough, links } = translation.effects;
      for (const distance of jumps) {
        if (distance === undefined) continue;
        if (links) this.#called.push(offset + distance);
        else this.#lead(offset + distance, "jump");
      }
      if (jumps.length === 0) continue;
      if (fallsThrough || links) this.#lead(offset + this.#step, "next");
      return;
    }
  }

  #blocks(): readonly Block[] {
    const blocks: Block[] = [];
    const offsets = [...this.#found.keys()].sort((a, b) => a - b);
    let instructions: Translation[] = [];
    let begin = 0;
    offsets.forEach((offset, i) => {
      const translation = this.#found.get(offset);
      if (translation === undefined) return;
      if (instructions.length === 0) begin = offset;
      instructions.push(translation);
      const next = offset + this.#step;
      const ends = offsets[i + 1] !== next || this.#leaders.has(next) || translation.effects.jumps.length > 0;
      if (!ends) return;
      blocks.push({ offset: begin, instructions, blocked: this.#blocked.has(next) });
      instructions = [];
    });
    return blocks;
  }
}
