import { type Analysis, analyse } from "../ir/analysis.ts";
import { Builder, type Meaning } from "../ir/builder.ts";
import type { InstructionSet } from "../operation.ts";
import { CachedFields } from "./cachedFields.ts";
import { type Effects, effectsOf } from "./effects.ts";
import { specialise } from "./specialise.ts";

/** An instruction word's meaning, ready to be written into regions wherever it stands. */
export interface Translation {
  readonly meaning: Meaning;
  readonly analysis: Analysis;
  /** With all of the instruction set's cached fields cached. */
  readonly effects: Effects;
  /** Whether a region may hold it: it does not always call out, and it can be repeated after a side exit. */
  readonly compilable: boolean;
}

/** Words remembered; kernels have some ten thousand different ones. */
const mostKept = 1 << 16;

/** Translates instruction words of one instruction set and remembers them. */
export class Translator {
  readonly set: InstructionSet;
  /** Builds the meanings of operations and of flag producers. */
  readonly builder: Builder;
  readonly fields: CachedFields;
  readonly #meanings = new Map<number, Meaning>();
  readonly #translations = new Map<number, Translation>();

  constructor(set: InstructionSet) {
    this.set = set;
    this.builder = new Builder(set.flags);
    this.fields = new CachedFields(set.cachedState);
  }

  translate(word: number): Translation {
    const known = this.#translations.get(word);
    if (known !== undefined) return known;
    const decoded = this.set.decode(word);
    const operation = decoded?.operation ?? this.set.undefinedOperation;
    const meaning = specialise(this.#meaning(operation), decoded?.operands ?? []);
    const effects = effectsOf(meaning.statements, this.fields, this.set.instructionBytes);
    const leavesAlways = !effects.fallsThrough && effects.jumps.length === 0;
    const compilable = !leavesAlways && effects.repeatable;
    const translation: Translation = { meaning, analysis: analyse(meaning), effects, compilable };
    if (this.#translations.size === mostKept) this.#translations.clear();
    this.#translations.set(word, translation);
    return translation;
  }

  /** The effects of a translation with other cached fields. */
  effects(translation: Translation, fields: CachedFields): Effects {
    if (fields === this.fields) return translation.effects;
    return effectsOf(translation.meaning.statements, fields, this.set.instructionBytes);
  }

  #meaning(operation: number): Meaning {
    const known = this.#meanings.get(operation);
    if (known !== undefined) return known;
    const entry = this.set.operations[operation];
    if (entry === undefined) throw new RangeError(`${this.set.name} has no operation ${operation}`);
    const meaning = this.builder.build(entry.meaning);
    this.#meanings.set(operation, meaning);
    return meaning;
  }
}
