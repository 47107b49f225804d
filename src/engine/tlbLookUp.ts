import type { Access } from "./ir/node.ts";
import { tlbEntries, tlbEntry } from "./layout.ts";
import type { FunctionWriter } from "./wasm/function.ts";

/**
 * Leaves 1 when the TLB at `pushTlb` holds the page for this access, else 0; the entry's address goes to local `entry`. A
 * misaligned address differs from the tag in its low bits, and an access that runs into the next page carries into the page
 * number, so that both count as not held.
 */
export function pushTlbHolds(
  code: FunctionWriter,
  pushTlb: () => void,
  address: number,
  entry: number,
  access: Access,
): void {
  pushTlb();
  code.get(address);
  code.i64(12n);
  code.operator("i64.shr_u");
  code.operator("i32.wrap_i64");
  code.i32(tlbEntries - 1);
  code.operator("i32.and");
  code.i32(Math.log2(tlbEntry.bytes));
  code.operator("i32.shl");
  code.operator("i32.add");
  code.tee(entry);
  code.load("i64.load", access.write || access.willWrite ? tlbEntry.writeTag : tlbEntry.readTag);
  code.get(address);
  if (access.bytes !== access.element) {
    code.i64(BigInt(access.bytes - access.element));
    code.operator("i64.add");
  }
  code.i64(~0xfffn | BigInt(access.element - 1));
  code.operator("i64.and");
  code.operator("i64.eq");
}

/** Pushes where in memory the guest-virtual address is, by its TLB entry. */
export function pushHostAddress(code: FunctionWriter, address: number, entry: number): void {
  code.get(address);
  code.operator("i32.wrap_i64");
  code.get(entry);
  code.load("i32.load", tlbEntry.addend);
  code.operator("i32.add");
}
