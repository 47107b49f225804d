import { type Definition, define, xDestination, xSource } from "./define.ts";
import { getW, setW } from "./registers.ts";

/**
 * CRC32B/H/W/X and CRC32CB/H/W/X. Arm ARM C6.2 "CRC32B": the architecture reverses accumulator, value and result around a
 * polynomial division, which is division by the reversed polynomial, lowest bit first.
 */
export const crc32: readonly Definition[] = [
  { encoding: "CRC32", polynomial: 0xedb8_8320 },
  { encoding: "CRC32C", polynomial: 0x82f6_3b78 },
].map(({ encoding, polynomial }) =>
  define({
    encoding,
    variants: { sz: [0, 1, 2, 3] },
    operands: { d: xDestination("Rd"), n: xSource("Rn"), m: xSource("Rm") },
    semantics: (b, { d, n, m }, { sz }) => {
      const bits = 8 << sz;
      const data = sz === 3 ? b.get(m) : b.i64.and(b.get(m), (1n << BigInt(bits)) - 1n);
      const remainder = b.variable("i64", b.i64.xor(b.i64.extend_i32_u(getW(b, n)), data));
      const left = b.variable("i32", bits);
      b.while(
        () => b.use(left),
        () => {
          const value = b.use(remainder);
          const subtracted = b.i64.and(b.i64.sub(0n, b.i64.and(value, 1n)), BigInt(polynomial));
          b.assign(remainder, b.i64.xor(b.i64.shr_u(value, 1n), subtracted));
          b.assign(left, b.i32.sub(b.use(left), 1));
        },
      );
      setW(b, d, b.i32.wrap_i64(b.use(remainder)));
    },
  }),
);
