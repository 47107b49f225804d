// The part of the WebAssembly JavaScript interface that the engine uses; neither "ES2023" nor @types/node 20 declares it.
declare namespace WebAssembly {
  type ModuleImports = Record<string, unknown>;
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>);
  }
  function compile(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Promise<Module>;
  class Table {
    readonly length: number;
    set(index: number, value: unknown): void;
    grow(delta: number): number;
  }
  class Instance {
    constructor(module: Module, imports: Record<string, ModuleImports>);
    readonly exports: Record<string, unknown>;
  }
}
