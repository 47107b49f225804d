import type { RegisterAccess } from "./architecture.ts";

/** A register that is the one of this one-reg id. */
export function oneRegAccess({
  name,
  bits,
  group,
  id,
}: Pick<RegisterAccess, "name" | "bits" | "group"> & { readonly id: bigint }): RegisterAccess {
  return {
    name,
    bits,
    group,
    read: (vcpu) => vcpu.getOneReg(id),
    write: (vcpu, value) => vcpu.setOneReg(id, value),
  };
}
