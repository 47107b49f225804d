import {
  type BitField,
  type Condition,
  type Encoding,
  fieldSatisfies,
} from "../../../../src/isa/encoding.ts";
import type { Random } from "./random.ts";

/** Chooses a field's value. */
export type FieldChoice = (random: Random) => number;

function anyValue(field: BitField, random: Random): number {
  const all = field.width === 32 ? 0xffff_ffff : 2 ** field.width - 1;
  switch (random.below(8)) {
    case 0:
      return all;
    case 1:
      return 0;
    case 2:
      return random.oneIn(2) ? 1 : (all >>> 1) + random.below(2);
    default:
      return random.u32() & all;
  }
}

function valueFor(
  field: BitField,
  condition: Condition | undefined,
  choice: FieldChoice | undefined,
  random: Random,
): number {
  const wanted = condition?.[field.name];
  for (let tries = 0; tries < 4096; tries++) {
    const value = choice === undefined ? anyValue(field, random) : choice(random);
    if (wanted === undefined || fieldSatisfies(value, wanted)) return value;
  }
  throw new Error(`found no value for field ${field.name}`);
}

/**
 * A random word of an instruction form: fields lean to their extremes, bits that the form ignores are random.
 *
 * @param encoding the form
 * @param choices how to choose some fields instead
 */
export function randomWord(
  encoding: Encoding,
  choices: Readonly<Record<string, FieldChoice>>,
  random: Random,
): { readonly word: number; readonly fields: Readonly<Record<string, number>> } {
  const condition = encoding.when.length === 0 ? undefined : random.pick(encoding.when);
  const fields: Record<string, number> = {};
  let fieldBits = 0;
  let word = encoding.value;
  for (const field of encoding.fields) {
    const value = valueFor(field, condition, choices[field.name], random);
    fields[field.name] = value;
    word |= value << field.lsb;
    fieldBits |= ((2 ** field.width - 1) | 0) << field.lsb;
  }
  word |= random.u32() & ~encoding.mask & ~fieldBits;
  return { word: word >>> 0, fields };
}
