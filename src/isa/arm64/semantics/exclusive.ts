import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { arm64State } from "../state.ts";
import { baseAddress, stackBase } from "./addressing.ts";
import { type Definition, define, xDestination, xOrSp, xSource } from "./define.ts";
import { getW } from "./registers.ts";
import { loadUnsigned, storeRegister } from "./transfer.ts";

const sizes = [0, 1, 2, 3] as const;
const aligned = { mustAlign: true } as const;

function mark(b: Builder, address: Value<"i64">, bytes: number): void {
  b.set(arm64State.exclusiveAddress, address);
  b.set(arm64State.exclusiveBytes, bytes);
}

/**
 * A store-exclusive: stores when the monitor holds exactly this address and size, and opens the monitor either way. Whether
 * a refused store also faults is IMPLEMENTATION DEFINED; here a misaligned one does, by attempting it, because the manual
 * checks alignment before it asks the monitor. Arm ARM J1.1.3 `AArch64.ExclusiveMonitorsPass`.
 */
function storeExclusive(
  b: Builder,
  address: Value<"i64">,
  bytes: number,
  status: ReturnType<ReturnType<typeof xDestination>["bind"]>,
  store: () => void,
): void {
  const holds = b.i32.and(
    b.i64.eq(b.get(arm64State.exclusiveAddress), address),
    b.i32.eq(b.get(arm64State.exclusiveBytes), bytes),
  );
  const misaligned = b.i32.and(b.i32.wrap_i64(address), bytes - 1);
  b.if(b.i32.or(holds, misaligned), store);
  b.set(arm64State.exclusiveBytes, 0);
  b.set(status, b.i64.extend_i32_u(b.i32.eqz(holds)));
}

/** One vCPU runs at a time and in program order, so acquire and release add nothing. */
const single = [
  ...["LDXR", "LDAXR"].map((encoding) =>
    define({
      encoding,
      variants: { size: sizes, sp: stackBase },
      operands: { t: xDestination("Rt"), n: xOrSp("Rn") },
      hot: ({ size, sp }) => encoding === "LDXR" && size === 3 && sp === 0,
      semantics: (b, { t, n }, { size, sp }) => {
        const address = baseAddress(b, n, sp);
        const value = loadUnsigned(b, size, address, aligned);
        mark(b, address, 1 << size);
        b.set(t, value);
      },
    }),
  ),
  ...["STXR", "STLXR"].map((encoding) =>
    define({
      encoding,
      variants: { size: sizes, sp: stackBase },
      operands: { s: xDestination("Rs"), t: xSource("Rt"), n: xOrSp("Rn") },
      hot: ({ size, sp }) => encoding === "STXR" && size === 3 && sp === 0,
      semantics: (b, { s, t, n }, { size, sp }) => {
        const address = baseAddress(b, n, sp);
        storeExclusive(b, address, 1 << size, s, () => storeRegister(b, size, address, t, aligned));
      },
    }),
  ),
  define({
    encoding: "LDAR",
    variants: { size: sizes, sp: stackBase },
    operands: { t: xDestination("Rt"), n: xOrSp("Rn") },
    hot: ({ size, sp }) => size >= 2 && sp === 0,
    semantics: (b, { t, n }, { size, sp }) => b.set(t, loadUnsigned(b, size, baseAddress(b, n, sp), aligned)),
  }),
  define({
    encoding: "STLR",
    variants: { size: sizes, sp: stackBase },
    operands: { t: xSource("Rt"), n: xOrSp("Rn") },
    hot: ({ size, sp }) => size >= 2 && sp === 0,
    semantics: (b, { t, n }, { size, sp }) => storeRegister(b, size, baseAddress(b, n, sp), t, aligned),
  }),
];

/** Pairs are one access of twice the size. */
const pairs = [
  ...["LDXP", "LDAXP"].map((encoding) =>
    define({
      encoding,
      variants: { sz: [0, 1], sp: stackBase },
      operands: { t: xDestination("Rt"), t2: xDestination("Rt2"), n: xOrSp("Rn") },
      semantics: (b, { t, t2, n }, { sz, sp }) => {
        const address = baseAddress(b, n, sp);
        if (sz === 1) {
          const pair = b.load("v128", "v128.load", address, aligned);
          mark(b, address, 16);
          b.set(t, b.i64x2.extract_lane(0, pair));
          b.set(t2, b.i64x2.extract_lane(1, pair));
        } else {
          const pair = b.load("i64", "i64.load", address, aligned);
          mark(b, address, 8);
          b.set(t, b.i64.and(pair, 0xffff_ffffn));
          b.set(t2, b.i64.shr_u(pair, 32n));
        }
      },
    }),
  ),
  ...["STXP", "STLXP"].map((encoding) =>
    define({
      encoding,
      variants: { sz: [0, 1], sp: stackBase },
      operands: { s: xDestination("Rs"), t: xSource("Rt"), t2: xSource("Rt2"), n: xOrSp("Rn") },
      semantics: (b, { s, t, t2, n }, { sz, sp }) => {
        const address = baseAddress(b, n, sp);
        if (sz === 1) {
          const pair = b.i64x2.replace_lane(1, b.i64x2.splat(b.get(t)), b.get(t2));
          storeExclusive(b, address, 16, s, () => b.store("v128", "v128.store", address, pair, aligned));
        } else {
          const high = b.i64.shl(b.i64.extend_i32_u(getW(b, t2)), 32n);
          const pair = b.i64.or(b.i64.extend_i32_u(getW(b, t)), high);
          storeExclusive(b, address, 8, s, () => b.store("i64", "i64.store", address, pair, aligned));
        }
      },
    }),
  ),
];

/** CLREX. */
const clear = define({
  encoding: "CLREX",
  operands: {},
  semantics: (b) => b.set(arm64State.exclusiveBytes, 0),
});

/** Exclusive, load-acquire and store-release instructions. Arm ARM C4.1.4. */
export const exclusive: readonly Definition[] = [...single, ...pairs, clear];
