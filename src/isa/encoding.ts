/**
 * Decode tables as data, for any instruction set with fixed 32-bit words.
 *
 * An entry's `pattern` writes the word from bit 31 down to bit 0 as tokens separated by spaces:
 *
 * - `0`, `1`, `.` runs: fixed zero, fixed one, ignored bit (a manual's should-be bits);
 * - `name:width`: a field of that many bits; `name` alone is a field of one bit.
 *
 * `when` narrows the pattern by the values of its fields. Nothing here knows an instruction set.
 */

/** Values a field may take: one value, a list, everything but a list, or an inclusive range. */
export type FieldCondition =
  | number
  | readonly number[]
  | { readonly not: number | readonly number[] }
  | { readonly min?: number; readonly max?: number };

/** Conditions on several fields; all of them must hold. */
export type Condition = Readonly<Record<string, FieldCondition>>;

/** One row of a decode table, as its author writes it. */
export interface EncodingEntry<Feature extends string = string> {
  /** Unique name of the instruction form; semantics are attached by it. */
  readonly name: string;
  /** The 32 bits, most significant first; see the file comment for the grammar. */
  readonly pattern: string;
  /** Conditions on the fields. A list holds alternatives: one of them must hold. */
  readonly when?: Condition | readonly Condition[];
  /** The architectural feature the form belongs to; absent for the base instruction set. */
  readonly feature?: Feature;
  /** Assembly template: mnemonic, a space, operands; `<token>` is rendered by the instruction set. */
  readonly asm: string;
}

/** A field of an instruction word. */
export interface BitField {
  readonly name: string;
  /** Position of the least significant bit, 0…31. */
  readonly lsb: number;
  /** Number of bits, 1…32. */
  readonly width: number;
}

/** A parsed pattern. `mask` and `value` are signed 32-bit integers. */
export interface Pattern {
  readonly mask: number;
  readonly value: number;
  /** From the most significant field to the least significant. */
  readonly fields: readonly BitField[];
}

/** A table row ready for matching. */
export interface Encoding<Feature extends string = string> extends Pattern {
  readonly name: string;
  readonly feature: Feature | undefined;
  readonly asm: string;
  /** The conditions as alternatives; empty when the pattern alone decides. */
  readonly when: readonly Condition[];
  /** Whether a word is of this form: fixed bits and conditions. */
  readonly matches: (word: number) => boolean;
}

/** A decoded word: its form and the values of the form's fields (unsigned). */
export interface Decoded<Feature extends string = string> {
  readonly encoding: Encoding<Feature>;
  readonly fields: Readonly<Record<string, number>>;
}

/** A mistake in a decode table: the fault of the table's author. */
export class EncodingTableError extends Error {
  override readonly name = "EncodingTableError";
}

const fixedToken = /^[01.]+$/;
const fieldToken = /^([A-Za-z][A-Za-z0-9_]*)(?::([0-9]+))?$/;

/** A token of a pattern: fixed and ignored bits, or a field. */
interface Token {
  readonly width: number;
  readonly mask: number;
  readonly value: number;
  readonly field: string | undefined;
}

function parseToken(text: string): Token | undefined {
  if (fixedToken.test(text)) {
    let mask = 0;
    let value = 0;
    for (const bit of text) {
      mask = (mask << 1) | Number(bit !== ".");
      value = (value << 1) | Number(bit === "1");
    }
    return { width: text.length, mask, value, field: undefined };
  }
  const [, field, digits] = fieldToken.exec(text) ?? [];
  if (field === undefined) return undefined;
  return { width: digits === undefined ? 1 : Number(digits), mask: 0, value: 0, field };
}

/** Makes a parser of patterns, which remembers tokens: a table has thousands, and few different ones. */
function patternParser(): (text: string) => Pattern {
  const tokens = new Map<string, Token>();
  return (text) => {
    let mask = 0;
    let value = 0;
    let next = 32;
    const fields: BitField[] = [];
    for (const part of text.split(" ")) {
      if (part === "") continue;
      let token = tokens.get(part);
      if (token === undefined) {
        token = parseToken(part);
        if (token === undefined) throw new EncodingTableError(`pattern "${text}": cannot read "${part}"`);
        tokens.set(part, token);
      }
      const { width, field } = token;
      if (width < 1) throw new EncodingTableError(`pattern "${text}": field "${field}" has no bits`);
      next -= width;
      if (field === undefined) {
        mask |= token.mask << next;
        value |= token.value << next;
        continue;
      }
      for (const { name } of fields) {
        if (name === field) throw new EncodingTableError(`pattern "${text}": field "${name}" appears twice`);
      }
      fields.push({ name: field, lsb: next, width });
    }
    if (next !== 0) throw new EncodingTableError(`pattern "${text}" has ${32 - next} bits, not 32`);
    return { mask, value, fields };
  };
}

/**
 * Parses a pattern.
 *
 * @param text the pattern, see the file comment
 * @throws EncodingTableError when it does not describe exactly 32 bits or repeats a field name
 */
export function parsePattern(text: string): Pattern {
  return patternParser()(text);
}

/**
 * The value of a field in a word.
 *
 * @param word the instruction word, signed or unsigned
 * @returns the field's bits, unsigned
 */
export function extractField(word: number, field: BitField): number {
  return field.width === 32 ? word >>> 0 : (word >>> field.lsb) & ((1 << field.width) - 1);
}

/** The values of all fields of a form in a word that is known to match it. */
export function extractFields(word: number, fields: readonly BitField[]): Record<string, number> {
  const values: Record<string, number> = {};
  for (const field of fields) values[field.name] = extractField(word, field);
  return values;
}

/** Reads fields of words of one form, one word after the other; `extractFields` for those who look at many words. */
export class FieldWindow {
  /** The word that `read` looks at, known to match the form. */
  word = 0;
  readonly #fields: ReadonlyMap<string, BitField>;
  readonly #form: string;

  constructor(form: Encoding) {
    this.#form = form.name;
    this.#fields = new Map(form.fields.map((field) => [field.name, field]));
  }

  /** The value of a field by its name, unsigned. @throws RangeError when the form has no such field */
  readonly read = (name: string): number => {
    const field = this.#fields.get(name);
    if (field === undefined) throw new RangeError(`${this.#form} has no field ${name}`);
    return extractField(this.word, field);
  };
}

/** Whether a field's value satisfies a condition. */
export function fieldSatisfies(value: number, condition: FieldCondition): boolean {
  if (typeof condition === "number") return value === condition;
  if (isList(condition)) return condition.includes(value);
  if ("not" in condition) return !fieldSatisfies(value, condition.not);
  return value >= (condition.min ?? 0) && value <= (condition.max ?? Number.MAX_SAFE_INTEGER);
}

/**
 * Whether decoded fields satisfy one of several alternatives; an empty list is satisfied by anything.
 * A field that is named but absent satisfies nothing.
 */
export function fieldsSatisfy(
  fields: Readonly<Record<string, number>>,
  alternatives: readonly Condition[],
): boolean {
  return (
    alternatives.length === 0 ||
    alternatives.some((condition) =>
      Object.entries(condition).every(([name, wanted]) => {
        const value = fields[name];
        return value !== undefined && fieldSatisfies(value, wanted);
      }),
    )
  );
}

/** The alternatives a `when` stands for. */
export function alternativesOf(when: Condition | readonly Condition[] | undefined): readonly Condition[] {
  if (when === undefined) return [];
  return isConditionList(when) ? when : [when];
}

/**
 * Parses table rows once, for matching and decoding.
 *
 * @throws EncodingTableError for a bad pattern, a repeated name or a condition on a field that is not there
 */
export function compileEncodings<Feature extends string>(
  entries: readonly EncodingEntry<Feature>[],
): readonly Encoding<Feature>[] {
  const names = new Set<string>();
  const parse = patternParser();
  return entries.map((entry) => {
    if (names.has(entry.name)) throw new EncodingTableError(`two entries are named "${entry.name}"`);
    names.add(entry.name);
    return compileEncoding(entry, parse(entry.pattern));
  });
}

function compileEncoding<Feature extends string>(
  entry: EncodingEntry<Feature>,
  { mask, value, fields }: Pattern,
): Encoding<Feature> {
  const when = alternativesOf(entry.when);
  for (const condition of when) checkCondition(entry.name, fields, condition);
  // Most forms are never met: their tables are made when they are.
  let tests: readonly (readonly FieldTest[])[] | undefined;
  const matches =
    when.length === 0
      ? (word: number) => (word & mask) === value
      : (word: number) => {
          if ((word & mask) !== value) return false;
          tests ??= when.map((condition) => compileCondition(fields, condition));
          return someHolds(tests, word);
        };
  return { name: entry.name, feature: entry.feature, asm: entry.asm, mask, value, fields, when, matches };
}

/** Which values of a field are allowed, as a lookup table. */
interface FieldTest {
  readonly lsb: number;
  readonly mask: number;
  readonly allowed: Uint8Array;
}

const widestTestedField = 16;

function checkCondition(entryName: string, fields: readonly BitField[], condition: Condition): void {
  for (const name of Object.keys(condition)) {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) {
      throw new EncodingTableError(
        `entry "${entryName}" has a condition on "${name}", which is no field of it`,
      );
    }
    if (field.width > widestTestedField) {
      throw new EncodingTableError(`entry "${entryName}": field "${name}" is too wide for a condition`);
    }
  }
}

function compileCondition(fields: readonly BitField[], condition: Condition): readonly FieldTest[] {
  return fields.flatMap(({ name, lsb, width }) => {
    const wanted = condition[name];
    if (wanted === undefined) return [];
    const size = 1 << width;
    const allowed = Uint8Array.from({ length: size }, (_, value) => (fieldSatisfies(value, wanted) ? 1 : 0));
    return { lsb, mask: size - 1, allowed };
  });
}

function someHolds(alternatives: readonly (readonly FieldTest[])[], word: number): boolean {
  for (const tests of alternatives) {
    let holds = true;
    for (const test of tests) {
      if (test.allowed[(word >>> test.lsb) & test.mask] !== 1) {
        holds = false;
        break;
      }
    }
    if (holds) return true;
  }
  return false;
}

function isList(condition: FieldCondition): condition is readonly number[] {
  return Array.isArray(condition);
}

function isConditionList(when: Condition | readonly Condition[]): when is readonly Condition[] {
  return Array.isArray(when);
}
