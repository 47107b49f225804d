import { pointBase } from "./addresses.ts";
import { unicornDeparture, unpredictable } from "./departures.ts";
import type { DifferentialSpec, Fields } from "./harness.ts";
import type { Random } from "./random.ts";
import type { TestState } from "./state.ts";

const point =
  (bytes: (f: Fields) => number, aligned: boolean) =>
  (state: TestState, f: Fields, random: Random): void =>
    pointBase(state, f, random, bytes(f), 0n, aligned);

const bySize = (f: Fields): number => 1 << f("size");
const bySz = (f: Fields): number => 8 << f("sz");

/** LDXR of `size` bytes or LDXP of `sz`, to XZR. */
const loadExclusive = (size: number, n: number): number => ((size << 30) | 0x085f_7c1f | (n << 5)) >>> 0;
const loadExclusivePair = (sz: number, n: number): number => (0x887f_7c1f | (sz << 30) | (n << 5)) >>> 0;
const clearExclusive = 0xd503_3f5f;

/** Mostly the load-exclusive that belongs to the store, at times none or one whose mark is gone. */
function precededBy(load: number, random: Random): readonly number[] {
  switch (random.below(6)) {
    case 0:
      return [];
    case 1:
      return [load, clearExclusive];
    default:
      return [load];
  }
}

const exclusives: readonly DifferentialSpec[] = [
  ...["LDXR", "LDAXR"].map((encoding) => ({ encoding, arrange: point(bySize, false) })),
  ...["STXR", "STLXR"].map(
    (encoding): DifferentialSpec => ({
      encoding,
      arrange: point(bySize, true),
      before: (f, random) => precededBy(loadExclusive(f("size"), f("Rn")), random),
      leaveOut: (f) =>
        f("Rs") === f("Rt") || (f("Rs") === f("Rn") && f("Rn") !== 31)
          ? unpredictable.statusOverlap
          : undefined,
    }),
  ),
  ...["LDXP", "LDAXP"].map(
    (encoding): DifferentialSpec => ({
      encoding,
      arrange: point(bySz, false),
      leaveOut: (f) => (f("Rt") === f("Rt2") && f("Rt") !== 31 ? unpredictable.pairOverlap : undefined),
    }),
  ),
  ...["STXP", "STLXP"].map(
    (encoding): DifferentialSpec => ({
      encoding,
      arrange: point(bySz, true),
      before: (f, random) => precededBy(loadExclusivePair(f("sz"), f("Rn")), random),
      leaveOut: (f) =>
        f("Rs") === f("Rt") || f("Rs") === f("Rt2") || (f("Rs") === f("Rn") && f("Rn") !== 31)
          ? unpredictable.statusOverlap
          : undefined,
    }),
  ),
  { encoding: "CLREX" },
];

const ordered: readonly DifferentialSpec[] = ["STLR", "LDAR"].map((encoding) => ({
  encoding,
  arrange: point(bySize, false),
  leaveOut: (f, state) =>
    ((state.x[f("Rn")] ?? 0n) & BigInt(bySize(f) - 1)) === 0n
      ? undefined
      : unicornDeparture.acquireReleaseAlignment,
}));

const readModifyWrite: readonly DifferentialSpec[] = [
  ...["LDADD", "LDCLR", "LDEOR", "LDSET", "SWP"].map((encoding) => ({
    encoding,
    arrange: point(bySize, false),
  })),
  ...["LDSMAX", "LDSMIN", "LDUMAX", "LDUMIN"].map(minMax),
];

/** With values that have no bits to extend, Unicorn is right for the small sizes: unicornDeparture.minMaxExtension. */
function minMax(encoding: string): DifferentialSpec {
  return {
    encoding,
    arrange: (state, f, random) => {
      const bytes = bySize(f);
      const bits = 8 * bytes - (encoding.startsWith("LDS") && bytes < 8 ? 1 : 0);
      if (f("Rs") !== 31) state.setX(f("Rs"), BigInt.asUintN(bits, xOf(state, f("Rs"))));
      pointBase(state, f, random, bytes, 0n);
      if (bytes < 8) pokeIfMapped(state, f, bytes, BigInt.asUintN(bits, random.u64()));
    },
    leaveOut: (f) =>
      bySize(f) < 8 && f("Rs") === f("Rn") && f("Rn") !== 31 ? unicornDeparture.minMaxExtension : undefined,
  };
}

const xOf = (state: TestState, n: number): bigint => (n === 31 ? 0n : (state.x[n] ?? 0n));

/** Half of the time memory holds what is compared with. */
function pokeIfMapped(state: TestState, f: Fields, bytes: number, value: bigint): void {
  const address = state.x[f("Rn")] ?? 0n;
  if (address >> 14n === 0x1000_0000n >> 14n) state.poke(address, bytes, value);
}

const compareAndSwap: readonly DifferentialSpec[] = [
  {
    encoding: "CAS",
    arrange: (state, f, random) => {
      pointBase(state, f, random, bySize(f), 0n);
      if (random.oneIn(2)) pokeIfMapped(state, f, bySize(f), xOf(state, f("Rs")));
    },
  },
  {
    encoding: "CASP",
    arrange: (state, f, random) => {
      pointBase(state, f, random, bySz(f), 0n);
      if (random.oneIn(3)) return;
      const bits = BigInt(32 << f("sz"));
      const low = BigInt.asUintN(Number(bits), xOf(state, f("Rs")));
      const high = BigInt.asUintN(Number(bits), xOf(state, f("Rs") + 1));
      const flip = random.oneIn(4) ? 1n << BigInt(random.below(Number(2n * bits))) : 0n;
      pokeIfMapped(state, f, bySz(f), ((high << bits) | low) ^ flip);
    },
  },
];

/** Exclusives, load-acquire and store-release, and the Armv8.1 atomics. */
export const atomicCases: readonly DifferentialSpec[] = [
  ...exclusives,
  ...ordered,
  ...readModifyWrite,
  ...compareAndSwap,
];
