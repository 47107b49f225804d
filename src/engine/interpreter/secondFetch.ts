import { fetchEntry, fetchTlbOffset, memoryMap, secondFetchTlb } from "../layout.ts";
import { failInOtherSpace, pushSecondEntry } from "../tlbLookUp.ts";
import { FunctionWriter } from "../wasm/function.ts";
import type { Signature } from "../wasm/types.ts";

/** (address, first-level fetch entry) → address of the page's records, 0 when TypeScript must translate the fetch. */
export const secondFetchSignature: Signature = { params: ["i64", "i32"], result: "i32" };

/** Looks into the second-level fetch TLB of the entry's context; what it finds is copied to the first level. */
export function writeSecondFetch(): FunctionWriter {
  const code = new FunctionWriter(secondFetchSignature);
  const [address, entry] = [0, 1];
  const second = code.takeLocal("i32");
  const fail = (): void => {
    code.if();
    code.i32(0);
    code.return();
    code.end();
  };

  const first = memoryMap.translations + fetchTlbOffset;
  pushSecondEntry(
    code,
    { address, entry, first, scratch: second },
    {
      base: memoryMap.secondFetchTlb,
      entries: secondFetchTlb.entries,
      entryBytes: fetchEntry.bytes,
    },
  );
  code.tee(second);
  code.load("i64.load", fetchEntry.tag);
  // A misaligned address is no page's.
  code.get(address);
  code.i64(~0xffcn);
  code.operator("i64.and");
  code.operator("i64.ne");
  fail();
  failInOtherSpace(code, second, fetchEntry.asid, fail);
  code.get(entry);
  code.get(second);
  code.load("v128.load", 0);
  code.store("v128.store", 0);
  code.get(second);
  code.load("i32.load", fetchEntry.records);
  return code;
}
