import { memoryMap, secondTlb, tlbEntry, watchedPieces } from "../layout.ts";
import { failInOtherSpace, pushHostAddress, pushSecondEntry } from "../tlbLookUp.ts";
import { FunctionWriter } from "../wasm/function.ts";
import type { Signature } from "../wasm/types.ts";

/** (address, first-level entry, packed access) → host address, 0 when TypeScript must look at the access. */
export const slowAddressSignature: Signature = { params: ["i64", "i32", "i32"], result: "i32" };

/**
 * What the inline look-up leaves out and plain memory still answers: misaligned accesses inside a lenient page, and pages that
 * only the second-level TLB has; those are copied to the first level, but for watched ones, whose watched pieces it leaves out.
 */
export function writeSlowAddress(): FunctionWriter {
  const code = new FunctionWriter(slowAddressSignature);
  const [address, entry, access] = [0, 1, 2];
  const tagOffset = code.takeLocal("i32");
  const page = code.takeLocal("i64");
  const second = code.takeLocal("i32");
  const fail = (): void => {
    code.if();
    code.i32(0);
    code.return();
    code.end();
  };
  const pageOffset = (): void => {
    code.get(address);
    code.operator("i32.wrap_i64");
    code.i32(0xfff);
    code.operator("i32.and");
  };
  /** Pushes whether the access touches a piece of its page. */
  const overlaps = (piece: number): void => {
    pageOffset();
    code.i32(0);
    code.load("i32.load", piece);
    code.tee(tagOffset);
    code.i32(16);
    code.operator("i32.shr_u");
    code.operator("i32.lt_u");
    pageOffset();
    code.get(access);
    code.i32(31);
    code.operator("i32.and");
    code.operator("i32.add");
    code.get(tagOffset);
    code.i32(0xffff);
    code.operator("i32.and");
    code.operator("i32.gt_u");
    code.operator("i32.and");
  };

  // The whole access lies in one page.
  pageOffset();
  code.get(access);
  code.i32(31);
  code.operator("i32.and");
  code.operator("i32.add");
  code.i32(0x1000);
  code.operator("i32.gt_u");
  fail();

  code.get(address);
  code.i64(~0xfffn);
  code.operator("i64.and");
  code.set(page);
  // Write and willWrite (bits 8 and 11 of the access) ask for the write tag.
  code.i32(tlbEntry.writeTag);
  code.i32(tlbEntry.readTag);
  code.get(access);
  code.i32(0x900);
  code.operator("i32.and");
  code.select("i32");
  code.set(tagOffset);

  code.get(entry);
  code.get(tagOffset);
  code.operator("i32.add");
  code.load("i64.load", 0);
  code.get(page);
  code.operator("i64.ne");
  code.if();
  // The second level of the same context and page.
  pushSecondEntry(
    code,
    { address, entry, first: memoryMap.translations, scratch: second },
    {
      base: memoryMap.secondTlb,
      entries: secondTlb.entries,
      entryBytes: tlbEntry.bytes,
    },
  );
  code.tee(second);
  code.get(tagOffset);
  code.operator("i32.add");
  code.load("i64.load", 0);
  code.get(page);
  code.operator("i64.ne");
  fail();
  failInOtherSpace(code, second, tlbEntry.asid, fail);
  code.get(second);
  code.load("i32.load", tlbEntry.watched);
  code.if();
  overlaps(watchedPieces.hull);
  code.if();
  for (let i = 0; i < watchedPieces.count; i++) {
    overlaps(watchedPieces.address + 4 * i);
    fail();
  }
  code.end();
  code.get(second);
  code.set(entry);
  code.else();
  for (const half of [0, 16]) {
    code.get(entry);
    code.get(second);
    code.load("v128.load", half);
    code.store("v128.store", half);
  }
  code.end();
  code.end();

  // Misaligned: only where the page and the access are lenient.
  code.get(address);
  code.operator("i32.wrap_i64");
  code.i32(1);
  code.get(access);
  code.i32(5);
  code.operator("i32.shr_u");
  code.i32(7);
  code.operator("i32.and");
  code.operator("i32.shl");
  code.i32(1);
  code.operator("i32.sub");
  code.operator("i32.and");
  code.if();
  code.get(access);
  code.i32(0x200);
  code.operator("i32.and");
  code.get(entry);
  code.load("i32.load", tlbEntry.strict);
  code.operator("i32.or");
  fail();
  code.end();

  pushHostAddress(code, address, entry);
  return code;
}
