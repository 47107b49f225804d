/**
 * The immediate of a logical instruction: Arm ARM `DecodeBitMasks`.
 *
 * @param N, imms, immr fields of an encoding that decodes (reserved patterns give no meaningful answer)
 * @param width 32 or 64: how many bits to fill
 * @returns the mask, unsigned
 */
export function decodeBitMask(N: number, imms: number, immr: number, width: 32 | 64): bigint {
  const log2 = 31 - Math.clz32((N << 6) | (~imms & 63));
  const size = 1 << log2;
  const ones = (imms & (size - 1)) + 1;
  const rotation = BigInt(immr & (size - 1));
  const elementBits = BigInt(size);
  const run = (1n << BigInt(ones)) - 1n;
  const element = BigInt.asUintN(size, (run >> rotation) | (run << (elementBits - rotation)));
  let mask = 0n;
  for (let at = 0; at < width; at += size) mask |= element << BigInt(at);
  return mask;
}

/**
 * Whether MOVZ or MOVN can write the same constant as ORR with this immediate; assemblers then prefer those,
 * so ORR is not printed as MOV: its ones, or its zeros, lie within one halfword. Arm ARM `MoveWidePreferred`.
 */
export function isMoveWidePreferred(sf: number, N: number, imms: number, immr: number): boolean {
  const width = sf === 1 ? 64 : 32;
  // The element must be the whole register.
  if (sf === 1 ? N !== 1 : N !== 0 || imms > 31) return false;
  const ones = imms + 1;
  return isWithinHalfword(-immr, ones) || isWithinHalfword(ones - immr, width - ones);
}

function isWithinHalfword(firstBit: number, count: number): boolean {
  return (firstBit & 15) + count <= 16;
}
