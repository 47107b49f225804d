import { KvmError } from "../../../errors.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";
import type { ReadPhysical } from "./handlers.ts";

/** Where IRETQ goes, by the frame it takes (Intel SDM volume 2, IRET); undefined when that cannot be read. */
export function iretTarget(
  vcpu: X86VcpuFile,
  read: ReadPhysical,
): { readonly address: bigint; readonly user: boolean } | undefined {
  const { rsp } = vcpu.getRegs();
  const word = (address: bigint): bigint | undefined => {
    const physical = vcpu.translate(BigInt.asUintN(64, address))?.physicalAddress;
    if (physical === undefined) return undefined;
    try {
      return new DataView(read(physical, 8).buffer).getBigUint64(0, true);
    } catch (error) {
      // A stack in a device's registers.
      if (error instanceof KvmError && error.errno === "EFAULT") return undefined;
      throw error;
    }
  };
  const [address, selector] = [word(rsp), word(rsp + 8n)];
  if (address === undefined || selector === undefined) return undefined;
  return { address, user: (selector & 3n) === 3n };
}
