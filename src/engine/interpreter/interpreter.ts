import { declareImports } from "../imports.ts";
import { Builder } from "../ir/builder.ts";
import { lower } from "../ir/lower.ts";
import { type InstructionSet, type OperandSlot, type Operation, packOperands } from "../operation.ts";
import { regionSignature } from "../region/writeRegion.ts";
import { FunctionWriter } from "../wasm/function.ts";
import { ModuleWriter } from "../wasm/module.ts";
import { ColdTarget, coldResult, coldSignature } from "./coldTarget.ts";
import { handler, MainFunction } from "./mainFunction.ts";
import { runRegionsSignature, writeRunRegions } from "./runRegions.ts";
import { secondFetchSignature, writeSecondFetch } from "./secondFetch.ts";
import { slowAddressSignature, writeSlowAddress } from "./slowAddress.ts";

/** A generated interpreter and what is needed to fill records for it. */
export interface Interpreter {
  readonly module: Uint8Array<ArrayBuffer>;
  /** The same compiled, if that has been done. */
  readonly compiled?: WebAssembly.Module;
  /** Handler number of each operation. */
  readonly handlers: Uint16Array;
  /** Where each operation's operands go in a record. */
  readonly slots: readonly (readonly OperandSlot[])[];
}

/**
 * Writes the interpreter of an instruction set: one function `run() → interpreterExit`, a loop over decoded records with
 * the hot operations inline and the others behind one indirect call. `memoryPages` are the limits of the memory it imports.
 */
export function writeInterpreter(
  set: InstructionSet,
  memoryPages: { minimum: number; maximum: number },
): Interpreter {
  const module = new ModuleWriter(memoryPages);
  const imports = new Map(declareImports(module, set));
  const slowAddress = module.declareFunction(slowAddressSignature);
  module.defineFunction(slowAddress, writeSlowAddress());
  imports.set("slowAddress", slowAddress);
  const secondFetch = module.declareFunction(secondFetchSignature);
  module.defineFunction(secondFetch, writeSecondFetch());
  imports.set("secondFetch", secondFetch);
  const runRegions = module.declareFunction(runRegionsSignature);
  const { instructionBytes } = set;
  const regionType = module.typeIndex(regionSignature);
  const crossed = imports.get("crossed") ?? 0;
  const apart = imports.get("apart") ?? 0;
  module.defineFunction(runRegions, writeRunRegions({ regionType, crossed, apart, instructionBytes }));
  imports.set("runRegions", runRegions);
  const run = module.declareFunction({ params: [], result: "i32" });
  const builder = new Builder(set.flags);
  const slots = set.operations.map(packOperands);
  const hot: number[] = [];
  const cold: number[] = [];
  set.operations.forEach((operation, index) => {
    (operation.hot ? hot : cold).push(index);
  });

  // Every operation has a function; the frequent ones also have a handler in the main function.
  const handlers = new Uint16Array(set.operations.length);
  const inFunctions = [...hot, ...cold];
  const firstFunction = handler.first + hot.length;
  const table = inFunctions.map((index, i) => {
    handlers[index] = i < hot.length ? handler.first + i : firstFunction + i;
    const code = new FunctionWriter(coldSignature);
    const target = new ColdTarget(code, imports);
    target.begin(slots[index] ?? []);
    lower(builder.build(operation(set, index).meaning), target);
    code.i32(coldResult.next);
    const functionIndex = module.declareFunction(coldSignature);
    module.defineFunction(functionIndex, code);
    return functionIndex;
  });
  module.setTable(table, "functions");

  const main = new MainFunction(set, imports, module.typeIndex(coldSignature), firstFunction);
  main.write((target) =>
    hot.map((index, i) => () => {
      target.beginHot(slots[index] ?? [], firstFunction + i);
      lower(builder.build(operation(set, index).meaning), target);
      target.finish();
    }),
  );
  module.defineFunction(run, main.code);
  module.exportFunction("run", run);
  return { module: module.finish(), handlers, slots };
}

function operation(set: InstructionSet, index: number): Operation {
  const found = set.operations[index];
  if (found === undefined) throw new RangeError(`no operation ${index}`);
  return found;
}
