import { arm64SystemRegisterId, arm64SystemRegisters } from "../../kvm/arm64SystemRegisters.ts";
import type { Vcpu } from "../../kvm/interface.ts";

/** DBGBVRn_EL1 and DBGBCRn_EL1. */
const pairs = arm64SystemRegisters.flatMap(({ name, id }) =>
  /^DBGBVR\d+_EL1$/.test(name)
    ? [{ register: name, value: id, control: arm64SystemRegisterId(name.replace("BVR", "BCR")) }]
    : [],
);

/** Addresses at which the guest's own breakpoint registers match, with their numbers: E set and BT an address match. Arm ARM D17.3.1. */
export function arm64GuestBreakpoints(
  vcpu: Vcpu,
): readonly { readonly register: string; readonly address: bigint }[] {
  return pairs.flatMap(({ register, value, control }) => {
    const bits = vcpu.getOneReg(control);
    if ((bits & 1n) === 0n || ((bits >> 20n) & 0xen) !== 0n) return [];
    return [{ register, address: BigInt.asUintN(64, BigInt.asIntN(49, vcpu.getOneReg(value))) & ~3n }];
  });
}
