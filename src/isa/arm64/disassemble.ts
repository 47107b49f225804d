import {
  type AssemblyTemplate,
  AssemblyTemplateError,
  type AssemblyText,
  type FieldReader,
  parseAssembly,
  renderAssembly,
} from "../assembly.ts";
import { alternativesOf, type Condition, fieldsSatisfy } from "../encoding.ts";
import { a64Encodings, decodeA64 } from "./decode.ts";
import { a64Aliases } from "./disassembly/aliases.ts";
import { resolveOperand } from "./disassembly/operands.ts";

/** One way to print a form. */
interface Spelling {
  readonly when: readonly Condition[];
  readonly check: ((field: FieldReader) => boolean) | undefined;
  readonly template: AssemblyTemplate;
}

/** The spellings of each form, the preferred ones first and the form's own last. */
const spellings: ReadonlyMap<string, readonly Spelling[]> = new Map(
  a64Encodings.map(({ name, asm }) => [
    name,
    [
      ...a64Aliases
        .filter((alias) => alias.of === name)
        .map((alias) => ({
          when: alternativesOf(alias.when),
          check: alias.check,
          template: parseAssembly(alias.asm, resolveOperand),
        })),
      { when: [], check: undefined, template: parseAssembly(asm, resolveOperand) },
    ],
  ]),
);

/**
 * Disassembles one A64 instruction, with the aliases assemblers prefer.
 *
 * @param word the 32-bit instruction word, signed or unsigned
 * @param pc the instruction's address; branch and literal targets are printed absolute
 * @returns mnemonic and operands (empty when there are none); `.word 0x…` for an undefined word
 */
export function disassembleA64(word: number, pc: bigint): AssemblyText {
  const decoded = decodeA64(word);
  if (decoded === undefined) {
    return { mnemonic: ".word", operands: `0x${(word >>> 0).toString(16).padStart(8, "0")}` };
  }
  const { fields } = decoded;
  const field = (name: string) => fields[name] ?? 0;
  const spelling = spellings
    .get(decoded.encoding.name)
    ?.find(({ when, check }) => fieldsSatisfy(fields, when) && (check === undefined || check(field)));
  if (spelling === undefined) throw new AssemblyTemplateError(`no template for ${decoded.encoding.name}`);
  return renderAssembly(spelling.template, fields, pc);
}
