import type { Fields } from "./harness.ts";
import type { Random } from "./random.ts";
import { layout, type TestState } from "./state.ts";
import type { FieldChoice } from "./words.ts";

/** A data address with room for every immediate offset around it, mostly aligned to `alignment`. */
export function dataAddress(random: Random, alignment: number): bigint {
  // Now and then across the boundary of two pages.
  if (random.oneIn(16)) return layout.data.address + BigInt(0x2000 - random.below(2 * alignment));
  const offset = 0x1000 + random.below(0x2000 / alignment) * alignment;
  const misaligned = random.oneIn(4) ? random.below(alignment) : 0;
  return layout.data.address + BigInt(offset + misaligned);
}

/** An address that no window has. */
export function unmappedAddress(random: Random): bigint {
  return random.pick([
    0n,
    0x2000_0000n,
    0xffff_8000_0000_0000n,
    0x7fff_ffff_ffff_f000n,
    BigInt(random.u32()) << 32n,
  ]);
}

/**
 * Points the base register so that the access lands in the data window, and now and then nowhere.
 *
 * @param alignment of the access in bytes
 * @param aligned never misaligned
 */
export function pointBase(
  state: TestState,
  f: Fields,
  random: Random,
  alignment: number,
  offset: bigint,
  aligned = false,
): void {
  let address = random.oneIn(24) ? unmappedAddress(random) : dataAddress(random, alignment);
  if (aligned) address &= ~BigInt(alignment - 1);
  state.setX(f("Rn"), address - offset);
}

/** A 19-bit word offset to the windows beside the code, and now and then nowhere. */
export const nearbyLiteral: FieldChoice = (random) => {
  if (random.oneIn(16)) return 0x2_0000 + random.below(0x4_0000);
  return random.oneIn(2) ? 0x400 + random.below(0x3fc) : 0x7_fc00 + random.below(0x3fc);
};
