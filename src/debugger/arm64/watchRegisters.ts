import type { WatchAccess, WatchRegister } from "../architecture.ts";
import { DebuggerError } from "../errors.ts";

/** DBGWCR.LSC: loads, stores, both. Arm ARM D17.3.12. */
const loadStoreControl = { read: 1, write: 2, access: 3 } as const;

/** E set, and PAC = 0b11 with HMC and SSC clear: EL1 and EL0. Arm ARM D2.8.3. */
const enabledAtEl1AndEl0 = 0b111;

/** A MASK of n bits watches 2^n bytes, 3 ≤ n ≤ 31. */
const largestMask = 31n;

const last = 2n ** 64n;

function register(value: bigint, access: WatchAccess, byteSelect: number, mask: bigint): WatchRegister {
  const control =
    enabledAtEl1AndEl0 | (loadStoreControl[access] << 3) | (byteSelect << 5) | (Number(mask) << 24);
  return { value, control: control >>> 0 };
}

/**
 * Registers that together watch exactly [address, address + length): parts of a doubleword by BAS, aligned powers of two by
 * MASK. @throws DebuggerError for an empty range and one that leaves the address space.
 */
export function arm64WatchRegisters(
  address: bigint,
  length: number,
  access: WatchAccess,
): readonly WatchRegister[] {
  if (!Number.isSafeInteger(length) || length <= 0)
    throw new DebuggerError("invalid", `a watchpoint needs a length of at least one byte, not ${length}`);
  const end = address + BigInt(length);
  if (address < 0n || end > last)
    throw new DebuggerError("invalid", "the watched range leaves the address space");
  const registers: WatchRegister[] = [];
  let at = address;
  while (at < end) {
    const offset = at & 7n;
    if (offset !== 0n || end - at < 8n) {
      const upTo = end - (at - offset) < 8n ? end - (at - offset) : 8n;
      const byteSelect = (1 << Number(upTo)) - (1 << Number(offset));
      registers.push(register(at - offset, access, byteSelect, 0n));
      at += upTo - offset;
      continue;
    }
    let mask = 3n;
    while (mask < largestMask && at % (2n << mask) === 0n && end - at >= 2n << mask) mask++;
    registers.push(register(at, access, 0xff, mask === 3n ? 0n : mask));
    at += 1n << mask;
  }
  return registers;
}
