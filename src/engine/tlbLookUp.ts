import type { Access } from "./ir/node.ts";
import { engineState, fetchEntry, fetchTlbEntries, memoryMap, tlbEntries, tlbEntry } from "./layout.ts";
import type { FunctionWriter } from "./wasm/function.ts";

/**
 * Leaves 1 when the TLB at `pushTlb` holds the page for this access, else 0; the entry's address goes to local `entry`. A
 * misaligned address differs from the tag in its low bits, so that it counts as not held; so does an access of several elements
 * that runs into the next page.
 */
export function pushTlbHolds(
  code: FunctionWriter,
  pushTlb: () => void,
  address: number,
  entry: number,
  access: Access,
): void {
  pushTlb();
  pushTlbOffset(code, address, entry, tlbEntries, tlbEntry.bytes);
  code.operator("i32.add");
  code.tee(entry);
  code.load("i64.load", access.write || access.willWrite ? tlbEntry.writeTag : tlbEntry.readTag);
  pushPageOf(code, address, access);
  code.operator("i64.eq");
  if (access.bytes === access.element) return;
  pushCrosses(code, address, 0, access.bytes);
  code.operator("i32.eqz");
  code.operator("i32.and");
}

/** Pushes whether the bytes `from` behind an address, so many, are in two pages; not more than there are in one. */
export function pushCrosses(code: FunctionWriter, address: number, from: number, bytes: number): void {
  code.get(address);
  code.operator("i32.wrap_i64");
  if (from !== 0) {
    code.i32(from);
    code.operator("i32.add");
  }
  code.i32(0xfff);
  code.operator("i32.and");
  code.i32(0x1000 - bytes);
  code.operator("i32.gt_u");
}

/** Pushes what a tag must be for the access' first element to be held. */
export function pushPageOf(code: FunctionWriter, address: number, access: Access): void {
  code.get(address);
  code.i64(~0xfffn | BigInt(access.element - 1));
  code.operator("i64.and");
}

/**
 * Leaves 1 when the TLB at `pushTlb` holds the page for this access and is lenient about its alignment, as it is with plain memory
 * alone; else 0.
 */
export function pushTlbHoldsPlain(
  code: FunctionWriter,
  pushTlb: () => void,
  pushAddress: () => void,
  access: Access,
): void {
  const address = code.takeLocal("i64");
  const entry = code.takeLocal("i32");
  pushAddress();
  code.set(address);
  pushTlbHolds(code, pushTlb, address, entry, access);
  code.if("i32");
  code.get(entry);
  code.load("i32.load", tlbEntry.strict);
  code.operator("i32.eqz");
  code.else();
  code.i32(0);
  code.end();
  code.releaseLocal("i32", entry);
  code.releaseLocal("i64", address);
}

/**
 * Pushes where the entry of an address is in a table: its page number modulo `entries` (a power of two), with the bits above
 * folded in, so that pages a large power of two apart do not meet, times `bytes` (a power of two, at most the page's). `scratch` is
 * an i32 local. See `tlbIndex`.
 */
export function pushTlbOffset(
  code: FunctionWriter,
  address: number,
  scratch: number,
  entries: number,
  bytes: number,
): void {
  code.get(address);
  code.i64(BigInt(12 - Math.log2(bytes)));
  code.operator("i64.shr_u");
  code.operator("i32.wrap_i64");
  code.tee(scratch);
  code.get(scratch);
  code.i32(Math.log2(entries));
  code.operator("i32.shr_u");
  code.operator("i32.xor");
  code.i32((entries - 1) * bytes);
  code.operator("i32.and");
}

/** The index of the entry that `pushTlbOffset` finds. `page`: bits 43:12 of the address. */
export function tlbIndex(page: number, entries: number): number {
  return (page ^ (page >>> (31 - Math.clz32(entries)))) & (entries - 1);
}

/** Pushes where in memory the guest-virtual address is, by its TLB entry. */
export function pushHostAddress(code: FunctionWriter, address: number, entry: number): void {
  code.get(address);
  code.operator("i32.wrap_i64");
  code.get(entry);
  code.load("i32.load", tlbEntry.addend);
  code.operator("i32.add");
}

/** Pushes the address of the first-level fetch TLB entry of the guest-virtual address in i64 local `address`. */
export function pushFetchEntry(code: FunctionWriter, address: number): void {
  code.i32(0);
  code.load("i32.load", engineState.fetchTlb.place.address);
  code.get(address);
  code.i64(12n);
  code.operator("i64.shr_u");
  code.operator("i32.wrap_i64");
  code.i32(fetchTlbEntries - 1);
  code.operator("i32.and");
  code.i32(Math.log2(fetchEntry.bytes));
  code.operator("i32.shl");
  code.operator("i32.add");
}

/** A second-level TLB: where the first context's begins, how many entries it has, and how large they are. */
export interface SecondLevel {
  readonly base: number;
  readonly entries: number;
  readonly entryBytes: number;
}

/**
 * Pushes the address of the second-level entry of an address, in the context whose first-level entry is in local `entry`.
 * @param first where the first context's first level begins
 * @param scratch an i32 local
 */
export function pushSecondEntry(
  code: FunctionWriter,
  { address, entry, first, scratch }: Readonly<Record<"address" | "entry" | "first" | "scratch", number>>,
  { base, entries, entryBytes }: SecondLevel,
): void {
  code.get(entry);
  code.i32(first);
  code.operator("i32.sub");
  code.i32(Math.log2(memoryMap.translationBytes));
  code.operator("i32.shr_u");
  code.i32(Math.log2(entries * entryBytes));
  code.operator("i32.shl");
  pushTlbOffset(code, address, scratch, entries, entryBytes);
  code.operator("i32.add");
  code.i32(base);
  code.operator("i32.add");
}

/**
 * Appends `fail`, behind a pushed condition, for when the entry in a local belongs to another address space than the one in force:
 * not to all (−1), nor to that one.
 * @param asid offset of the address space in the entry
 */
export function failInOtherSpace(code: FunctionWriter, entry: number, asid: number, fail: () => void): void {
  code.get(entry);
  code.load("i32.load", asid);
  code.i32(-1);
  code.operator("i32.ne");
  code.if();
  code.get(entry);
  code.load("i32.load", asid);
  code.i32(0);
  code.load("i32.load", engineState.asid.place.address);
  code.operator("i32.ne");
  fail();
  code.end();
}
