import type { MemoryView } from "../../debugger/memory.ts";
import type { Vcpu } from "../../kvm/interface.ts";
import type { MemoryRegion } from "../target.ts";

const page = 4096n;
const end = 2n ** 64n;
/** Pages looked at in one question. */
const mostPages = 512;

/** The stretch of pages from the address's on that are mapped with the same rights, or not mapped; as far as is looked. */
export function mappingAt(memory: MemoryView, vcpu: Vcpu, address: bigint): MemoryRegion {
  const start = address - (address % page);
  const permissions = permissionsAt(memory, vcpu, start);
  let next = start + page;
  for (let pages = 1; pages < mostPages && next < end; pages++, next += page) {
    if (permissionsAt(memory, vcpu, next) !== permissions) break;
  }
  return { start, length: next - start, permissions };
}

function permissionsAt(memory: MemoryView, vcpu: Vcpu, address: bigint): string | undefined {
  const found = memory.memoryAt(vcpu, address);
  // KVM_TRANSLATE does not say whether it can be executed; a debugger had better assume so.
  return found === undefined ? undefined : found.writeable ? "rwx" : "rx";
}
