import { ByteWriter } from "./bytes.ts";
import type { FunctionWriter } from "./function.ts";
import { type Signature, valueTypeCode } from "./types.ts";

const encoder = new TextEncoder();

/** A WebAssembly module being written: one imported memory, imported and defined functions, one function table. */
export class ModuleWriter {
  readonly #types: string[] = [];
  readonly #typeBodies: Uint8Array[] = [];
  readonly #imports: { module: string; name: string; type: number }[] = [];
  readonly #functions: { type: number; body: FunctionWriter | undefined }[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  #table: readonly number[] = [];
  #tableName: string | undefined;
  readonly #memoryPages: { minimum: number; maximum: number };

  /** `memoryPages`: limits of the imported memory `env.memory`, in 64 KiB pages. */
  constructor(memoryPages: { minimum: number; maximum: number }) {
    this.#memoryPages = memoryPages;
  }

  typeIndex(signature: Signature): number {
    const key = `${signature.params.join()}>${signature.result ?? ""}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const body = new ByteWriter();
    body.byte(0x60);
    body.unsigned(signature.params.length);
    for (const param of signature.params) body.byte(valueTypeCode[param]);
    body.unsigned(signature.result === undefined ? 0 : 1);
    if (signature.result !== undefined) body.byte(valueTypeCode[signature.result]);
    this.#types.push(key);
    this.#typeBodies.push(body.finish());
    return this.#types.length - 1;
  }

  /** Declares an import; all imports come before the first defined function. Returns the function index. */
  importFunction(name: string, signature: Signature): number {
    if (this.#functions.length > 0) throw new RangeError("imports come before functions");
    this.#imports.push({ module: "env", name, type: this.typeIndex(signature) });
    return this.#imports.length - 1;
  }

  /** Reserves the index of a function whose body follows by `defineFunction`. */
  declareFunction(signature: Signature): number {
    this.#functions.push({ type: this.typeIndex(signature), body: undefined });
    return this.#imports.length + this.#functions.length - 1;
  }

  defineFunction(index: number, body: FunctionWriter): void {
    const entry = this.#functions[index - this.#imports.length];
    if (entry === undefined) throw new RangeError(`function ${index} was not declared`);
    entry.body = body;
  }

  exportFunction(name: string, index: number): void {
    this.#exports.push({ name, index });
  }

  /** The function table's contents, from slot 0; exported, it may grow. */
  setTable(functions: readonly number[], name?: string): void {
    this.#table = functions;
    this.#tableName = name;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter();
    out.raw(new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]));
    section(out, 1, this.#typeBodies, (w, body) => w.raw(body));
    const importWriter = new ByteWriter();
    importWriter.unsigned(this.#imports.length + 1);
    importWriter.vector(encoder.encode("env"));
    importWriter.vector(encoder.encode("memory"));
    importWriter.byte(0x02);
    importWriter.byte(0x01);
    importWriter.unsigned(this.#memoryPages.minimum);
    importWriter.unsigned(this.#memoryPages.maximum);
    for (const entry of this.#imports) {
      importWriter.vector(encoder.encode(entry.module));
      importWriter.vector(encoder.encode(entry.name));
      importWriter.byte(0x00);
      importWriter.unsigned(entry.type);
    }
    rawSection(out, 2, importWriter);
    section(out, 3, this.#functions, (w, entry) => w.unsigned(entry.type));
    if (this.#table.length > 0) {
      const table = new ByteWriter();
      table.unsigned(1);
      table.byte(0x70);
      table.byte(0x00);
      table.unsigned(this.#table.length);
      rawSection(out, 4, table);
    }
    const exports = this.#exports.map((entry) => ({ ...entry, kind: 0x00 }));
    if (this.#tableName !== undefined) exports.push({ name: this.#tableName, index: 0, kind: 0x01 });
    section(out, 7, exports, (w, entry) => {
      w.vector(encoder.encode(entry.name));
      w.byte(entry.kind);
      w.unsigned(entry.index);
    });
    if (this.#table.length > 0) {
      const elements = new ByteWriter();
      elements.unsigned(1);
      elements.unsigned(0);
      elements.byte(0x41);
      elements.signed(0);
      elements.byte(0x0b);
      elements.unsigned(this.#table.length);
      for (const index of this.#table) elements.unsigned(index);
      rawSection(out, 9, elements);
    }
    section(out, 10, this.#functions, (w, entry) => {
      if (entry.body === undefined) throw new RangeError("a declared function has no body");
      w.vector(entry.body.finish());
    });
    return out.finish();
  }
}

function rawSection(out: ByteWriter, id: number, contents: ByteWriter): void {
  out.byte(id);
  out.unsigned(contents.length);
  out.raw(contents.view());
}

function section<T>(
  out: ByteWriter,
  id: number,
  items: readonly T[],
  write: (w: ByteWriter, item: T) => void,
): void {
  const contents = new ByteWriter();
  contents.unsigned(items.length);
  for (const item of items) write(contents, item);
  rawSection(out, id, contents);
}
