import type { TestMachine } from "./machine.ts";
import type { Random } from "./random.ts";
import { dataWindows } from "./state.ts";

/** Has the TLBs hold most pages of the data windows, some of them for reading only, and forget the rest. */
export function warmTlb(machine: TestMachine, random: Random): void {
  machine.flush(true);
  for (const { address, size } of dataWindows) {
    for (let page = address; page < address + BigInt(size); page += 0x1000n) {
      for (const context of [0, 1] as const) {
        if (random.oneIn(8)) continue;
        const rights = { read: true, write: !random.oneIn(8), strict: random.oneIn(4), asid: -1 };
        machine.map(page, rights, context);
      }
    }
  }
  if (random.oneIn(16)) machine.flush(false);
}
