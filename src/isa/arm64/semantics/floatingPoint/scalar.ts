import { type Definition, define, vector } from "../define.ts";
import { checkEnabled, inPrecision, precisions } from "./forms.ts";
import {
  type Binary,
  binaryOperations,
  multiplyAdd,
  multiplySubtract,
  squareRoot,
  type Ternary,
  type Unary,
} from "./operations.ts";
import { roundings } from "./roundToIntegral.ts";

const variants = { ftype: precisions("ftype") };

const one = (name: string, operation: Unary, hot = ""): Definition =>
  define({
    encoding: `${name}_scalar`,
    variants,
    operands: { d: vector("Rd"), n: vector("Rn") },
    hot: ({ ftype }) => hot.includes(String(ftype)),
    semantics: (b, o, { ftype }) => {
      checkEnabled(b);
      inPrecision(b, ftype, (k) => k.write(o.d, operation(k, k.read(o.n))));
    },
  });

const two = (name: keyof typeof binaryOperations, hot = ""): Definition => {
  const operation: Binary = binaryOperations[name];
  return define({
    encoding: `${name}_scalar`,
    variants,
    operands: { d: vector("Rd"), n: vector("Rn"), m: vector("Rm") },
    hot: ({ ftype }) => hot.includes(String(ftype)),
    semantics: (b, o, { ftype }) => {
      checkEnabled(b);
      inPrecision(b, ftype, (k) => k.write(o.d, operation(k, k.read(o.n), k.read(o.m))));
    },
  });
};

const three = (encoding: string, operation: Ternary): Definition =>
  define({
    encoding,
    variants,
    operands: { d: vector("Rd"), n: vector("Rn"), m: vector("Rm"), a: vector("Ra") },
    semantics: (b, o, { ftype }) => {
      checkEnabled(b);
      inPrecision(b, ftype, (k) => k.write(o.d, operation(k, k.read(o.a), k.read(o.n), k.read(o.m))));
    },
  });

/** Arm ARM C4.1.6 "Floating-point data-processing (1 source)", "(2 source)" and "(3 source)"; `hot` names the precisions. */
export const scalar: readonly Definition[] = [
  one("FMOV", (_k, x) => x, "1"),
  one("FABS", (k, x) => k.unary("abs", x)),
  one("FNEG", (k, x) => k.unary("neg", x), "1"),
  one("FSQRT", squareRoot),
  ...Object.entries(roundings).map(([name, operation]) => one(name, operation)),
  two("FADD", "01"),
  two("FSUB", "1"),
  two("FMUL", "01"),
  two("FDIV", "1"),
  two("FMAX"),
  two("FMIN"),
  two("FMAXNM"),
  two("FMINNM"),
  two("FNMUL"),
  three("FMADD", multiplyAdd),
  three("FMSUB", multiplySubtract),
  three("FNMADD", (k, a, n, m) => multiplySubtract(k, k.unary("neg", a), n, m)),
  three("FNMSUB", (k, a, n, m) => multiplyAdd(k, k.unary("neg", a), n, m)),
];
