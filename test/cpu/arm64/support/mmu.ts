import { BareMachine, type BareOptions, place, stop } from "./machine.ts";
import { attribute, TableBuilder, type TcrFields, tcr } from "./tables.ts";

/** SCTLR_EL1 bits. */
export const sctlr = {
  M: 1n << 0n,
  A: 1n << 1n,
  SA: 1n << 3n,
  SA0: 1n << 4n,
  UMA: 1n << 9n,
  DZE: 1n << 14n,
  UCT: 1n << 15n,
  nTWI: 1n << 16n,
  nTWE: 1n << 18n,
  WXN: 1n << 19n,
  UCI: 1n << 26n,
} as const;

/** MAIR_EL1: index 0 normal write-back, 1 Device-nGnRnE, 2 normal non-cacheable. */
export const memoryTypes = 0x44_00_ffn;
/** Attributes of a page of devices. */
export const deviceMemory = attribute.index(1);

/** Guest-virtual addresses of the tests' pages; none of them is identity mapped. */
export const va = {
  /** Page of `place.data` for EL1. */
  data: 0x1_0000_0000n,
  /** A page that EL0 may use as well. */
  user: 0x2_0000_0000n,
  /** Page of `place.code`, executable at EL0. */
  userCode: 0x3_0000_0000n,
  /** `place.device`, as device memory. */
  device: 0x4_0000_0000n,
  /** Nothing is mapped here. */
  nothing: 0x5_0000_0000n,
} as const;

/** A bare machine with its MMU on: RAM mapped flat for EL1 in blocks, and the pages of `va` for EL0 and EL1. */
export class MmuMachine extends BareMachine {
  readonly tables: TableBuilder;
  readonly highTables: TableBuilder;

  constructor(options: BareOptions & { readonly tcr?: TcrFields } = {}) {
    super(options);
    const write = (address: number, descriptor: bigint): void => this.poke(address, descriptor);
    this.tables = new TableBuilder(write, place.tables);
    this.highTables = new TableBuilder(write, place.tables + 0x8_0000);
    for (let offset = 0; offset < place.ramBytes; offset += 1 << 21)
      this.tables.map(BigInt(place.ram + offset), place.ram + offset, 0n, 2);
    this.tables.map(va.data, place.data);
    this.tables.map(va.user, place.data + 0x1000, attribute.el0);
    this.tables.map(va.userCode, place.code, attribute.el0 | attribute.readOnly);
    this.tables.map(va.device, place.device, deviceMemory | attribute.el0);
    for (const vcpu of this.vm.vcpus) {
      this.set("MAIR_EL1", memoryTypes, vcpu.id);
      this.set("TCR_EL1", tcr(options.tcr), vcpu.id);
      this.set("TTBR0_EL1", BigInt(this.tables.root), vcpu.id);
      this.set("TTBR1_EL1", BigInt(this.highTables.root), vcpu.id);
      this.control(sctlr.M, true, vcpu.id);
    }
  }

  /** Sets or clears bits of SCTLR_EL1. */
  control(bits: bigint, on = true, index = 0): void {
    const value = this.get("SCTLR_EL1", index);
    this.set("SCTLR_EL1", on ? value | bits : value & ~bits, index);
  }

  /** Runs a program at EL0, in the page `va.userCode`. */
  executeAtEl0(
    words: readonly (number | readonly number[])[],
    limit = 10_000,
  ): ReturnType<BareMachine["run"]> {
    this.load(place.code, [...words, stop]);
    this.pstate = 0n;
    this.pc = va.userCode;
    return this.run(limit);
  }
}
