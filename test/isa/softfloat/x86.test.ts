import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import { afterAll, describe, expect, it } from "vitest";
import { createFloatContext } from "../../../src/isa/softfloat/context.ts";
import { FloatException } from "../../../src/isa/softfloat/exceptions.ts";
import { floatOperation } from "../../../src/isa/softfloat/operations.ts";
import { RoundingMode } from "../../../src/isa/softfloat/rounding.ts";
import { X86_RULES } from "../../../src/isa/softfloat/x86.ts";
import { requireTool } from "../../support/tools.ts";
import { chosenSeed, edgeCombinations, RandomBits, randomOperand } from "./randomOperands.ts";

const clang = requireTool("clang");
const onX86 = process.arch === "x64" && process.platform === "linux";
const hasFma = onX86 && /\bfma\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
const seed = chosenSeed();
const CASES = 1500;

/** Operation of ours → the instruction, with operands in xmm0, xmm1, xmm2 and the result in xmm0 or rax. */
const INSTRUCTIONS: readonly (readonly [operation: string, immediates: readonly number[], text: string])[] = [
  ["f64.add", [], "addsd %%xmm1, %%xmm0"],
  ["f64.sub", [], "subsd %%xmm1, %%xmm0"],
  ["f64.mul", [], "mulsd %%xmm1, %%xmm0"],
  ["f64.div", [], "divsd %%xmm1, %%xmm0"],
  ["f64.sqrt", [], "sqrtsd %%xmm0, %%xmm0"],
  ["f32.add", [], "addss %%xmm1, %%xmm0"],
  ["f32.sub", [], "subss %%xmm1, %%xmm0"],
  ["f32.mul", [], "mulss %%xmm1, %%xmm0"],
  ["f32.div", [], "divss %%xmm1, %%xmm0"],
  ["f32.sqrt", [], "sqrtss %%xmm0, %%xmm0"],
  ["f64.to-f32", [], "cvtsd2ss %%xmm0, %%xmm0"],
  ["f32.to-f64", [], "cvtss2sd %%xmm0, %%xmm0"],
  ["f64.to-s32", [0, 7], "cvtsd2si %%xmm0, %%eax"],
  ["f64.to-s64", [0, 3], "cvttsd2si %%xmm0, %%rax"],
  ["f32.to-s64", [0, 7], "cvtss2si %%xmm0, %%rax"],
  // Operands of ours: addend, factor, factor.
  ...(hasFma
    ? ([
        ["f64.fma", [], "vfmadd231sd %%xmm2, %%xmm1, %%xmm0"],
        ["f32.fma", [], "vfmadd231ss %%xmm2, %%xmm1, %%xmm0"],
      ] as const)
    : []),
];

const SOURCE = `
#include <stdint.h>
#define OP(n, text) \\
  uint64_t op##n(uint64_t a, uint64_t b, uint64_t c, uint32_t mxcsr, uint32_t *after) { \\
    uint64_t r; uint32_t saved, now; \\
    __asm__ volatile("stmxcsr %1; ldmxcsr %6; movq %3, %%xmm0; movq %4, %%xmm1; movq %5, %%xmm2; xor %%eax, %%eax;" \\
      text "; stmxcsr %2; ldmxcsr %1" TAKE##n \\
      : "=&a"(r), "=m"(saved), "=m"(now) : "r"(a), "r"(b), "r"(c), "m"(mxcsr) : "xmm0", "xmm1", "xmm2"); \\
    *after = now; return r; }
`;

function build(folder: string): string {
  const functions = INSTRUCTIONS.map(([, , text], n) => {
    const take = /%%(e|r)ax$/.test(text) ? `""` : `"; movq %%xmm0, %0"`;
    return `#define TAKE${n} ${take}\nOP(${n}, "${text}")`;
  });
  writeFileSync(join(folder, "sse.c"), `${SOURCE}${functions.join("\n")}\n`);
  const library = join(folder, "sse.so");
  execFileSync("clang", ["-O1", "-shared", "-fPIC", "-o", library, join(folder, "sse.c")]);
  return library;
}

const MXCSR_ALL_MASKED = 0x1f80;
const MXCSR_DAZ = 0x40;
const MXCSR_FTZ = 0x8000;
const ROUNDING_BY_RC = [RoundingMode.RN, RoundingMode.RM, RoundingMode.RP, RoundingMode.RZ] as const;

// MXCSR: IE, DE, ZE, OE, UE, PE; DE is not compared.
function flagsOfMxcsr(mxcsr: number): number {
  return (
    (mxcsr & 0x01 ? FloatException.IOC : 0) |
    (mxcsr & 0x04 ? FloatException.DZC : 0) |
    (mxcsr & 0x08 ? FloatException.OFC : 0) |
    (mxcsr & 0x10 ? FloatException.UFC : 0) |
    (mxcsr & 0x20 ? FloatException.IXC : 0)
  );
}

describe.skipIf(!clang.available || !onX86)(
  `x86 rules agree with this processor (FLOAT_SEED=${seed})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "softfloat-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    const library = clang.available && onX86 ? koffi.load(build(folder)) : (undefined as never);

    it.each(INSTRUCTIONS.map((row, n) => [...row, n] as const))(
      "%s %j is %s",
      (name, immediates, _text, n) => {
        const run = library.func(
          `uint64_t op${n}(uint64_t a, uint64_t b, uint64_t c, uint32_t mxcsr, _Out_ uint32_t *after)`,
        );
        const operation = floatOperation(name);
        const random = new RandomBits(seed);
        const found: string[] = [];
        const randomOperands = (): bigint[] => {
          const operands: bigint[] = [];
          for (const kind of operation.operands) {
            if (kind === "rounding" || kind === "fraction-bits") break;
            operands.push(randomOperand(kind, random, operands[0]));
          }
          return operands;
        };
        const cases = [
          ...edgeCombinations(operation.operands),
          ...Array.from({ length: CASES }, randomOperands),
        ];
        for (const operands of cases) {
          const choice = random.below(16);
          const context = createFloatContext(X86_RULES);
          context.roundingMode = ROUNDING_BY_RC[choice & 3] ?? RoundingMode.RN;
          context.flushInputs = (choice & 4) !== 0;
          context.flushOutputs = (choice & 8) !== 0;
          const mxcsr =
            MXCSR_ALL_MASKED |
            ((choice & 3) << 13) |
            (choice & 4 ? MXCSR_DAZ : 0) |
            (choice & 8 ? MXCSR_FTZ : 0);
          const [a = 0n, b = 0n, c = 0n] = [...operands, ...immediates];
          const bits = BigInt(operation.invoke(context, a, b, c));
          const after: number[] = [0];
          const width = operation.result.endsWith("32") ? 32 : 64;
          const [x = 0n, y = 0n, z = 0n] = operands;
          const theirs = BigInt.asUintN(width, BigInt(run(x, y, z, mxcsr, after)));
          const theirFlags = flagsOfMxcsr(after[0] ?? 0);
          if (bits !== theirs || context.flags !== theirFlags) {
            const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
            found.push(
              `mxcsr ${hex(mxcsr)}, operands ${operands.map(hex).join(" ")}: ours ${hex(bits)} flags ` +
                `${hex(context.flags)}, processor ${hex(theirs)} flags ${hex(theirFlags)}`,
            );
          }
        }
        expect(found.slice(0, 8), `${found.length} cases differ, FLOAT_SEED=${seed}`).toEqual([]);
      },
    );
  },
);
