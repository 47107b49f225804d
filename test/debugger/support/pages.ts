import type { DebuggedVcpu } from "../../../src/debugger/vcpu.ts";
import type { GuestMachine } from "../../../src/vmm/guest.ts";
import { CODE } from "./code.ts";

/** Where the tables lie: the last pages of the test machine's memory. */
const tables = CODE + 0x1f_0000n;
/** TCR_EL1: 39-bit addresses in both halves, 4 KiB pages, 40-bit physical addresses. Arm ARM D17.2.139. */
const TCR = (25n << 0n) | (25n << 16n) | (2n << 30n) | (2n << 32n);
/** Normal memory, write-back; and Device-nGnRnE as attribute 1. */
const MAIR = 0x00ffn;
const SCTLR_MMU_ON = 0x30d0_0801n;

/** Where the upper half begins. */
export const UPPER = 0xffff_ff80_0000_0000n;
/** Level 3 descriptor: page, AF, inner shareable, EL1 reads and writes. `el0`: EL0 too. */
export const pageDescriptor = (physical: bigint, el0 = false): bigint =>
  physical | 0x703n | (el0 ? 0x40n : 0n);

/**
 * Page tables in a test machine: its 2 MiB of memory are mapped where they are, page by page, and at `UPPER` + the same offset
 * in the upper half; the devices below too.
 */
export function pageTables(machine: GuestMachine) {
  const word = (address: bigint, value: bigint): void => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    machine.vm.writeMemory(address, bytes);
  };
  const level1 = tables;
  const upperLevel1 = tables + 0x1000n;
  const level2 = tables + 0x2000n;
  const level3 = tables + 0x3000n;
  const upperLevel2 = tables + 0x4000n;
  const upperLevel3 = tables + 0x5000n;
  // The first GiB is devices: attribute 1, no execution.
  word(level1, 0x405n | (1n << 54n) | (1n << 53n));
  word(level1 + 8n, level2 | 3n);
  word(level2, level3 | 3n);
  word(upperLevel1, upperLevel2 | 3n);
  word(upperLevel2, upperLevel3 | 3n);
  for (let n = 0n; n < 512n; n++) {
    word(level3 + n * 8n, pageDescriptor(CODE + n * 0x1000n));
    word(upperLevel3 + n * 8n, pageDescriptor(CODE + n * 0x1000n));
  }
  return {
    /** Where the descriptor of a page in the lower half is: for guest code that changes it. */
    entryOf: (address: bigint): bigint => level3 + ((address - CODE) >> 12n) * 8n,
    upperEntryOf: (address: bigint): bigint => upperLevel3 + ((address - UPPER) >> 12n) * 8n,
    /** Changes the mapping of a page of the lower half; 0 unmaps it. The TLBs are the guest's business. */
    map: (address: bigint, descriptor: bigint): void =>
      word(level3 + ((address - CODE) >> 12n) * 8n, descriptor),
    mapUpper: (address: bigint, descriptor: bigint): void =>
      word(upperLevel3 + ((address - UPPER) >> 12n) * 8n, descriptor),
    registers: { TCR_EL1: TCR, MAIR_EL1: MAIR, TTBR0_EL1: level1, TTBR1_EL1: upperLevel1 },
    SCTLR_MMU_ON,
    /** Switches translation on, as the guest would. */
    enable(vcpu: DebuggedVcpu): void {
      vcpu.setRegister("TCR_EL1", TCR);
      vcpu.setRegister("MAIR_EL1", MAIR);
      vcpu.setRegister("TTBR0_EL1", level1);
      vcpu.setRegister("TTBR1_EL1", upperLevel1);
      vcpu.setRegister("SCTLR_EL1", SCTLR_MMU_ON);
    },
  };
}
