import type { Value } from "../../../../engine/ir/builder.ts";
import type { ValueType } from "../../../../engine/wasm/types.ts";
import { condition } from "../conditional.ts";
import { type Definition, define, imm32, vector } from "../define.ts";
import { conditionHolds } from "../flags.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { modeHolds } from "./attempt.ts";
import { checkEnabled, inPrecision, precisions } from "./forms.ts";
import { ordered } from "./operations.ts";
import { softFloat } from "./softFloat.ts";

const variants = { ftype: precisions("ftype") };

/** NZCV of a comparison, N in bit 3. Arm ARM, FPCompare. */
const nzcvOf = { less: 0b1000, equal: 0b0110, greater: 0b0010 } as const;

type SoftComparison = "compare-quiet" | "compare-signalling";

function compare<T extends ValueType, M extends ValueType>(
  k: Arithmetic<T, M>,
  x: Value<T>,
  y: Value<T>,
  name: SoftComparison,
): Value<"i32"> {
  const { b } = k;
  const [less, equal] = [k.compare("lt", x, y), k.compare("eq", x, y)].map((mask) => k.everywhere(mask));
  if (less === undefined || equal === undefined) throw new RangeError("two comparisons give two masks");
  const notLess = b.select("i32", equal, nzcvOf.equal, nzcvOf.greater);
  const result = b.variable("i32", b.select("i32", less, nzcvOf.less, notLess));
  b.if(
    b.i32.and(k.everywhere(ordered(k, x, y)), modeHolds(b, "unflushed")),
    () => {},
    () => {
      const bits = softFloat(b, `f${k.bits}.${name}`, k.element(x, 0), k.element(y, 0));
      b.assign(result, b.i32.wrap_i64(bits));
    },
  );
  return b.use(result);
}

const kinds = [
  { suffix: "", name: "compare-quiet" },
  { suffix: "E", name: "compare-signalling" },
] as const;

/** FCMP, FCMPE, FCCMP, FCCMPE. Arm ARM C4.1.6 "Floating-point compare" and "conditional compare". */
export const compares: readonly Definition[] = kinds.flatMap(({ suffix, name }) => [
  define({
    encoding: `FCMP${suffix}`,
    variants,
    operands: { n: vector("Rn"), m: vector("Rm") },
    hot: ({ ftype }) => ftype === 1,
    semantics: (b, o, { ftype }) => {
      checkEnabled(b);
      inPrecision(b, ftype, (k) => b.flags("nzcv", compare(k, k.read(o.n), k.read(o.m), name)));
    },
  }),
  define({
    encoding: `FCMP${suffix}_zero`,
    variants,
    operands: { n: vector("Rn") },
    semantics: (b, o, { ftype }) => {
      checkEnabled(b);
      inPrecision(b, ftype, (k) => b.flags("nzcv", compare(k, k.read(o.n), k.constant(0), name)));
    },
  }),
  define({
    encoding: `FCCMP${suffix}`,
    variants: { ...variants, cond: condition },
    operands: { n: vector("Rn"), m: vector("Rm"), nzcv: imm32("nzcv") },
    semantics: (b, o, { ftype, cond }) => {
      checkEnabled(b);
      const nzcv = b.variable("i32", o.nzcv);
      b.if(conditionHolds(b, cond), () =>
        inPrecision(b, ftype, (k) => b.assign(nzcv, compare(k, k.read(o.n), k.read(o.m), name))),
      );
      b.flags("nzcv", b.use(nzcv));
    },
  }),
]);
