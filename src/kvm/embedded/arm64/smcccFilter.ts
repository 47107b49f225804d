import { KvmError } from "../../errors.ts";

/** What happens to a range of SMCCC function identifiers (`KVM_ARM_VM_SMCCC_FILTER`, linux/kvm.h). */
export interface SmcccFilterRange {
  /** First function identifier, 32 bits. */
  readonly base: number;
  /** How many; at least 1. */
  readonly functions: number;
  /** `HANDLE`: as without a filter. `DENY`: answered "not supported". `FWD_TO_USER`: a hypercall exit. */
  readonly action: "HANDLE" | "DENY" | "FWD_TO_USER";
}

/** Which calls of the guest userspace handles or forbids. */
export class SmcccFilter {
  readonly #ranges: SmcccFilterRange[] = [];

  /** @throws KvmError EINVAL for a range that is empty or leaves 32 bits, EEXIST for one that overlaps another. */
  add(range: SmcccFilterRange): void {
    const end = range.base + range.functions;
    const whole = Number.isInteger(range.base) && Number.isInteger(range.functions);
    if (!whole || range.base < 0 || range.functions < 1 || end > 2 ** 32) {
      throw new KvmError("EINVAL", `SMCCC filter range 0x${range.base.toString(16)}+${range.functions}`);
    }
    const other = this.#ranges.find((each) => range.base < each.base + each.functions && each.base < end);
    if (other !== undefined) {
      throw new KvmError(
        "EEXIST",
        `SMCCC filter range 0x${range.base.toString(16)} overlaps 0x${other.base.toString(16)}`,
      );
    }
    this.#ranges.push(range);
  }

  /** The action for a function identifier. */
  action(id: number): SmcccFilterRange["action"] {
    return (
      this.#ranges.find((each) => id >= each.base && id - each.base < each.functions)?.action ?? "HANDLE"
    );
  }
}
