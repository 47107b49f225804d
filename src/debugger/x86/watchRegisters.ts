import type { GuestDebugArch, X86DebugRegisters } from "../../kvm/guestDebug.ts";
import type { WatchAccess, WatchRegister } from "../architecture.ts";
import { DebuggerError } from "../errors.ts";

/** DR7.R/W: data writes, data reads and writes. Intel SDM volume 3, 18.2.4. */
const readWrite = { write: 1, access: 3 } as const;
/** DR7.LEN by bytes. */
const lengthField = { 1: 0, 2: 1, 4: 3, 8: 2 } as const;
const sizes = [8, 4, 2, 1] as const;

/** DR7: bit 10 is always one; G0 to G3 enable. */
const fixed = 0x400n;
const globalEnable = (index: number): bigint => 2n << BigInt(2 * index);
const controlOf = (index: number, control: number): bigint => BigInt(control) << BigInt(16 + 4 * index);

/**
 * Registers that together watch exactly [address, address + length): each has 1, 2, 4 or 8 bytes at a multiple of its size.
 * @throws DebuggerError for an empty range, one that leaves the address space, and one watched for reads alone
 */
export function x86WatchRegisters(
  address: bigint,
  length: number,
  access: WatchAccess,
): readonly WatchRegister[] {
  if (!Number.isSafeInteger(length) || length <= 0)
    throw new DebuggerError("invalid", `a watchpoint needs a length of at least one byte, not ${length}`);
  if (access === "read")
    throw new DebuggerError(
      "unsupported",
      "x86 cannot watch for reads alone: watch for any access (gdb: awatch), or for writes",
    );
  const end = address + BigInt(length);
  if (address < 0n || end > 2n ** 64n)
    throw new DebuggerError("invalid", "the watched range leaves the address space");
  const registers: WatchRegister[] = [];
  for (let at = address; at < end; ) {
    const size = sizes.find((each) => at % BigInt(each) === 0n && at + BigInt(each) <= end) ?? 1;
    registers.push({ value: at, control: readWrite[access] | (lengthField[size] << 2) });
    at += BigInt(size);
    // More than there are is refused by whoever counts them; how many more does not matter.
    if (registers.length > 64) break;
  }
  return registers;
}

/** DR0 to DR3 and DR7 for these breakpoints and then these watchpoints. */
export function x86GuestDebugRegisters(
  breakpoints: readonly bigint[],
  watchpoints: readonly WatchRegister[],
): X86DebugRegisters {
  const addresses = [...breakpoints, ...watchpoints.map(({ value }) => value)];
  const dr7 = watchpoints.reduce(
    (bits, { control }, i) => bits | controlOf(breakpoints.length + i, control),
    addresses.reduce((bits, _, index) => bits | globalEnable(index), fixed),
  );
  return { addresses, dr7 };
}

/** Whether debug registers are x86's. */
export const isX86 = (registers: GuestDebugArch): registers is X86DebugRegisters => "dr7" in registers;
