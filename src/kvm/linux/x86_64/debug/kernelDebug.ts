import { guestDebugControl, type X86GuestDebug } from "../../../guestDebug.ts";
import { type ArmedRegister, withoutRegisters } from "../../../x86DebugRegisters.ts";

const { ENABLE, SINGLESTEP, USE_HW } = guestDebugControl;

/** What the kernel is to do so that its user sees `debug`: not these registers, and steps where they are to be compared. */
export function kernelDebug(debug: X86GuestDebug, without: readonly ArmedRegister[]): X86GuestDebug {
  const { control, arch } = debug;
  const compares = without.some(({ kind }) => kind !== "execute");
  return {
    control: compares ? control | SINGLESTEP : control,
    arch: arch && {
      ...arch,
      dr7: withoutRegisters(arch.dr7, without),
    },
  };
}

/** The same with an execution breakpoint of the substrate's own in a register that is free. */
export function withTrap(debug: X86GuestDebug, address: bigint | undefined): X86GuestDebug {
  if (address === undefined) return debug;
  const { control, arch } = debug;
  const dr7 = arch !== undefined && (control & USE_HW) !== 0 ? arch.dr7 : 0x400n;
  const index = [0, 1, 2, 3].find((each) => ((dr7 >> BigInt(2 * each)) & 3n) === 0n);
  if (index === undefined) return debug;
  const addresses = [0, 1, 2, 3].map((each) => (each === index ? address : (arch?.addresses[each] ?? 0n)));
  const fields = 0xfn << BigInt(16 + 4 * index);
  return {
    control: control | ENABLE | USE_HW,
    arch: { ...arch, addresses, dr7: (dr7 & ~fields) | (2n << BigInt(2 * index)) },
  };
}
