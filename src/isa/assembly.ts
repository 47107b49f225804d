/**
 * Assembly templates, for any instruction set: literal text with `<token>` operands that the instruction set
 * renders from the fields of a decoded word. A token may render to nothing; a comma before it then goes too.
 */

/** Reads a field of the instruction being printed; throws when the form has no such field. */
export type FieldReader = (name: string) => number;

/** Renders one token. `pc` is the instruction's address. */
export type OperandRenderer = (field: FieldReader, pc: bigint) => string;

/** Text before a token, and the token. */
interface Piece {
  readonly text: string;
  readonly render: OperandRenderer;
}

/** A line of assembly, its tokens resolved. */
export interface AssemblyTemplate {
  readonly mnemonic: TextTemplate;
  readonly operands: TextTemplate;
}

interface TextTemplate {
  readonly pieces: readonly Piece[];
  readonly tail: string;
}

/** A printed instruction. */
export interface AssemblyText {
  readonly mnemonic: string;
  /** Empty when the instruction has none. */
  readonly operands: string;
}

/** A mistake in an assembly template or in a renderer's use of fields: the fault of the table's author. */
export class AssemblyTemplateError extends Error {
  override readonly name = "AssemblyTemplateError";
}

/**
 * Parses a template such as `add <Rd>, <Rn>, <Rm>, <shift>`.
 *
 * @param resolve gives the renderer of a token, or `undefined` when there is no such token
 * @throws AssemblyTemplateError for a token that cannot be resolved
 */
export function parseAssembly(
  text: string,
  resolve: (token: string) => OperandRenderer | undefined,
): AssemblyTemplate {
  const space = text.indexOf(" ");
  const mnemonic = space < 0 ? text : text.slice(0, space);
  const operands = space < 0 ? "" : text.slice(space + 1);
  return { mnemonic: parseText(mnemonic, resolve), operands: parseText(operands, resolve) };
}

function parseText(text: string, resolve: (token: string) => OperandRenderer | undefined): TextTemplate {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/<([^>]+)>/g)) {
    const token = match[1] ?? "";
    const render = resolve(token);
    if (render === undefined) throw new AssemblyTemplateError(`"${text}": nothing renders <${token}>`);
    pieces.push({ text: text.slice(end, match.index), render });
    end = match.index + match[0].length;
  }
  return { pieces, tail: text.slice(end) };
}

/**
 * Prints a template.
 *
 * @param fields the decoded fields
 * @param pc the address of the instruction
 * @throws AssemblyTemplateError when a token needs a field the form does not have
 */
export function renderAssembly(
  template: AssemblyTemplate,
  fields: Readonly<Record<string, number>>,
  pc: bigint,
): AssemblyText {
  const field: FieldReader = (name) => {
    const value = fields[name];
    if (value === undefined) throw new AssemblyTemplateError(`the form has no field "${name}"`);
    return value;
  };
  return {
    mnemonic: renderText(template.mnemonic, field, pc),
    operands: renderText(template.operands, field, pc),
  };
}

function renderText({ pieces, tail }: TextTemplate, field: FieldReader, pc: bigint): string {
  let line = "";
  for (const { text, render } of pieces) {
    const operand = render(field, pc);
    line += operand === "" ? text.replace(/, $/, "") : text + operand;
  }
  return line + tail;
}
