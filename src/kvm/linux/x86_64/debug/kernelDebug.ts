import { guestDebugControl, type X86GuestDebug } from "../../../guestDebug.ts";
import { type ArmedRegister, withoutRegisters } from "../../../x86DebugRegisters.ts";

const { SINGLESTEP } = guestDebugControl;

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
