import type { DecodedInstruction, InstructionSet, Operation } from "../../engine/operation.ts";
import { type Encoding, FieldWindow } from "../encoding.ts";
import { a64Encodings, matchA64 } from "./decode.ts";
import { arm64HostCalls } from "./hostCalls.ts";
import { type Definition, define, imm32 } from "./semantics/define.ts";
import { arm64Flags } from "./semantics/flags.ts";
import { a64Definitions } from "./semantics/index.ts";
import { cachedState } from "./state.ts";

const undefinedInstruction: Operation = {
  name: "undefined",
  operands: [],
  hot: false,
  meaning: (b) => b.raise("undefinedInstruction"),
};

/** A form that decodes but has no semantics: stops by name rather than guess. Its number is its place in the decode tables. */
function unimplemented(encoding: string, index: number): Definition {
  return define({
    encoding,
    operands: { form: imm32(() => index) },
    semantics: (b, { form }) => b.raise("unimplementedInstruction", form),
  });
}

/** What a form's words are decoded with. */
interface Binding {
  readonly definition: Definition;
  /** The number of its first operation. */
  readonly first: number;
  /** Made when the first word is met. */
  fields: FieldWindow | undefined;
}

/** A64 as the engine sees it: the decode tables joined with the semantics. */
export function arm64InstructionSet(): InstructionSet {
  const known = new Map(a64Definitions.map((definition) => [definition.encoding, definition]));
  const definitions: Definition[] = [];
  let count = 1;
  const bindings = new Map<Encoding, Binding>();
  for (const [index, encoding] of a64Encodings.entries()) {
    const definition = known.get(encoding.name) ?? unimplemented(encoding.name, index);
    known.delete(encoding.name);
    bindings.set(encoding, { definition, first: count, fields: undefined });
    definitions.push(definition);
    count += definition.operationCount;
  }
  for (const name of known.keys())
    throw new RangeError(`semantics for ${name}, which the decode tables do not have`);

  const decode = (word: number): DecodedInstruction | undefined => {
    const encoding = matchA64(word);
    const binding = encoding && bindings.get(encoding);
    if (encoding === undefined || binding === undefined) return undefined;
    binding.fields ??= new FieldWindow(encoding);
    const { fields } = binding;
    fields.word = word;
    const variant = binding.definition.choose(fields.read);
    if (variant === undefined) return undefined;
    return { operation: binding.first + variant, operands: binding.definition.operandValues(fields.read) };
  };
  let operations: readonly Operation[] | undefined;
  return {
    name: "arm64",
    get operations() {
      operations ??= [undefinedInstruction, ...definitions.flatMap((definition) => definition.operations)];
      return operations;
    },
    undefinedOperation: 0,
    flags: arm64Flags,
    cachedState,
    hostCalls: arm64HostCalls,
    instructionBytes: 4,
    decode,
  };
}
