import { Engine, type EngineHost } from "../src/engine/engine.ts";
import { engineState } from "../src/engine/layout.ts";
import { RegionCompiler } from "../src/engine/region/compile.ts";
import { instantiateRegions } from "../src/engine/region/region.ts";
import { arm64InstructionSet } from "../src/isa/arm64/instructionSet.ts";
import { generalRegisterAddress } from "../src/isa/arm64/state.ts";

// Runs a loop through a region, called from here once per pass, and through the interpreter; prints millions of guest
// instructions per second (the best of some runs, since V8 compiles in two steps) and what compiling cost. Usage: npx tsc -p bench/tsconfig.json && node .cache/bench/bench/region.js

const body = [
  0xf940_0001, // ldr x1, [x0]
  0x8b02_0021, // add x1, x1, x2
  0xca01_3463, // eor x3, x3, x1, lsl #13
  0xca43_1c63, // eor x3, x3, x3, lsr #7
  0xf900_0403, // str x3, [x0, #8]
  0x927d_2065, // and x5, x3, #0xff8
  0xb865_6806, // ldr w6, [x0, x5]
  0x7100_1cdf, // cmp w6, #7
  0x9a84_9484, // cinc x4, x4, hi
  0x8b06_0042, // add x2, x2, x6
  0xf100_04e7, // subs x7, x7, #1
];
const branchBack = (instructions: number): number =>
  ((0x5400_0001 | ((-instructions & 0x7ffff) << 5)) >>> 0) as number; // b.ne

const codeAddress = 0x40_0000n;
const dataAddress = 0x1000_0000n;
const instructionsOfRun = 10_000_000;
const runs = 12;

const set = arm64InstructionSet();

/** A machine with the loop, `times` bodies long, in its code page. */
function machine(times: number) {
  const words = [...Array.from({ length: times }, () => body).flat(), branchBack(times * body.length)];
  const host: EngineHost = {
    loadSlow: () => 0n,
    storeSlow: () => {},
    fetch: () => engine.code.records(engine.memory.ramBase),
    marked: () => true,
    hostCalls: Object.fromEntries(Object.keys(set.hostCalls).map((name) => [name, () => {}])),
  };
  const engine = new Engine(set, host, { ramBytes: 0x10000, contexts: 2 });
  const { memory, tlb } = engine;
  words.forEach((word, i) => {
    memory.view.setUint32(memory.ramBase + 4 * i, word, true);
  });
  tlb.fill(0, dataAddress, memory.ramBase + 0x1000, { read: true, write: true, strict: false, asid: -1 });
  memory.words[engineState.tlb.place.address >>> 2] = tlb.dataBase(0);
  memory.words[engineState.fetchTlb.place.address >>> 2] = tlb.fetchBase(0);
  const started = performance.now();
  const list = words.map((word, i) => {
    const decoded = set.decode(word);
    if (decoded === undefined) throw new RangeError(`0x${word.toString(16)} is no instruction`);
    return { ...decoded, address: codeAddress + 4n * BigInt(i) };
  });
  const compiled = new RegionCompiler(set).compile([list]);
  const [region] = instantiateRegions(memory, compiled);
  const compileTime = performance.now() - started;
  if (region?.length !== words.length) throw new RangeError("the loop is not one region");
  const reset = (): void => {
    memory.view.setBigUint64(engineState.pc.place.address, codeAddress, true);
    memory.view.setBigUint64(generalRegisterAddress(0), dataAddress, true);
    memory.view.setBigUint64(generalRegisterAddress(7), 1n << 40n, true);
  };
  return { engine, region, reset, compileTime, bytes: compiled.module.length, length: words.length };
}

function rate(run: () => void, reset: () => void): number {
  const rates = Array.from({ length: runs }, () => {
    reset();
    const started = performance.now();
    run();
    return instructionsOfRun / (performance.now() - started) / 1000;
  });
  return Math.max(...rates);
}

for (const times of [1, 4, 16, 33]) {
  const { engine, region, reset, compileTime, bytes, length } = machine(times);
  const passes = Math.floor(instructionsOfRun / length);
  const compiled = rate(() => {
    for (let pass = 0; pass < passes; pass++) {
      if (region.run(length).exit !== "left") throw new RangeError("the region left by the side");
    }
  }, reset);
  const interpreted = rate(() => {
    engine.run(passes * length);
  }, reset);
  console.log(
    `${String(length).padStart(3)} instructions: region ${compiled.toFixed(0)} M/s, interpreter ${interpreted.toFixed(0)} M/s; ` +
      `${(bytes / length).toFixed(0)} bytes each, compiled in ${compileTime.toFixed(1)} ms`,
  );
}
