import type { Saveable } from "../device.ts";
import type { SystemRegisterEncoding, SystemRegisterInterface } from "../interruptController.ts";
import { type GicCore, SPURIOUS } from "./gicCore.ts";
import { ICC } from "./gicv3Registers.ts";

/** ICC_CTLR_EL1: 5 priority bits, INTIDs of 16 bits, Aff3 allowed. */
const CTLR = { CBPR: 1, EOI_MODE: 1 << 1, PRI_BITS: (5 - 1) << 8, A3V: 1 << 15 } as const;
/** ICC_SRE_EL1: system registers only (SRE), no bypass (DFB, DIB); nothing of it can be changed. */
const SRE = 7n;

/** What a CPU's interface remembers besides priorities. */
export interface Gicv3CpuInterfaceState {
  /** ICC_IGRPEN0_EL1 in bit 0, ICC_IGRPEN1_EL1 in bit 1. */
  readonly groups: readonly number[];
  /** ICC_CTLR_EL1.EOImode. */
  readonly eoiMode: readonly number[];
}

/** The CPU interfaces of a GICv3: ICC_*_EL1. Registers of priority bits that do not exist (ICC_AP0R1_EL1 …) are UNDEFINED. */
export class Gicv3CpuInterface implements SystemRegisterInterface, Saveable<Gicv3CpuInterfaceState> {
  readonly #core: GicCore;
  readonly #groups: Uint8Array;
  readonly #eoiMode: Uint8Array;

  constructor(core: GicCore) {
    this.#core = core;
    this.#groups = new Uint8Array(core.cpus);
    this.#eoiMode = new Uint8Array(core.cpus);
  }

  reset(): void {
    this.#groups.fill(0);
    this.#eoiMode.fill(0);
  }

  groupsEnabled(cpu: number): number {
    return this.#groups[cpu] ?? 0;
  }

  readSystemRegister(cpu: number, encoding: SystemRegisterEncoding): bigint | undefined {
    const priorities = this.#core.prioritiesOf(cpu);
    switch (encoding) {
      case ICC.PMR_EL1:
        return BigInt(priorities.pmr);
      case ICC.IAR0_EL1:
        return BigInt(this.#acknowledge(cpu, 0));
      case ICC.IAR1_EL1:
        return BigInt(this.#acknowledge(cpu, 1));
      case ICC.HPPIR0_EL1:
        return BigInt(this.#highest(cpu, 0));
      case ICC.HPPIR1_EL1:
        return BigInt(this.#highest(cpu, 1));
      case ICC.BPR0_EL1:
        return BigInt(priorities.bpr(0));
      case ICC.BPR1_EL1:
        // GICv3, ICC_BPR1_EL1: while CBPR is set it shows BPR0 + 1, and writes are ignored.
        return BigInt(priorities.cbpr ? Math.min(priorities.bpr(0) + 1, 7) : priorities.bpr(1));
      case ICC.AP0R0_EL1:
        return BigInt(priorities.activePriorities(0));
      case ICC.AP1R0_EL1:
        return BigInt(priorities.activePriorities(1));
      case ICC.RPR_EL1:
        return BigInt(priorities.running);
      case ICC.CTLR_EL1:
        return BigInt(
          CTLR.A3V |
            CTLR.PRI_BITS |
            (this.#eoiMode[cpu] ? CTLR.EOI_MODE : 0) |
            (priorities.cbpr ? CTLR.CBPR : 0),
        );
      case ICC.SRE_EL1:
        return SRE;
      case ICC.IGRPEN0_EL1:
        return BigInt(this.groupsEnabled(cpu) & 1);
      case ICC.IGRPEN1_EL1:
        return BigInt(this.groupsEnabled(cpu) >> 1);
      default:
        return undefined;
    }
  }

  writeSystemRegister(cpu: number, encoding: SystemRegisterEncoding, value: bigint): boolean {
    const known = this.#write(cpu, encoding, value);
    if (known) this.#core.update();
    return known;
  }

  save(): Gicv3CpuInterfaceState {
    return { groups: [...this.#groups], eoiMode: [...this.#eoiMode] };
  }

  load(state: Gicv3CpuInterfaceState): void {
    this.#groups.set(state.groups);
    this.#eoiMode.set(state.eoiMode);
  }

  #write(cpu: number, encoding: SystemRegisterEncoding, value: bigint): boolean {
    const priorities = this.#core.prioritiesOf(cpu);
    const low = Number(value & 0xffff_ffffn);
    switch (encoding) {
      case ICC.PMR_EL1:
        priorities.pmr = low;
        return true;
      case ICC.EOIR0_EL1:
        this.#end(cpu, 0, low & 0xff_ffff);
        return true;
      case ICC.EOIR1_EL1:
        this.#end(cpu, 1, low & 0xff_ffff);
        return true;
      case ICC.DIR_EL1:
        // GICv3, ICC_DIR_EL1: only where EOImode has split the end of an interrupt in two.
        if (this.#eoiMode[cpu]) this.#core.deactivate(cpu, low & 0xff_ffff);
        return true;
      case ICC.BPR0_EL1:
        priorities.setBpr(0, low);
        return true;
      case ICC.BPR1_EL1:
        if (!priorities.cbpr) priorities.setBpr(1, low);
        return true;
      case ICC.AP0R0_EL1:
        priorities.setActivePriorities(0, low);
        return true;
      case ICC.AP1R0_EL1:
        priorities.setActivePriorities(1, low);
        return true;
      case ICC.CTLR_EL1:
        priorities.cbpr = (low & CTLR.CBPR) !== 0;
        this.#eoiMode[cpu] = low & CTLR.EOI_MODE ? 1 : 0;
        return true;
      case ICC.SRE_EL1:
        return true;
      case ICC.IGRPEN0_EL1:
        this.#groups[cpu] = (this.groupsEnabled(cpu) & ~1) | (low & 1);
        return true;
      case ICC.IGRPEN1_EL1:
        this.#groups[cpu] = (this.groupsEnabled(cpu) & ~2) | ((low & 1) << 1);
        return true;
      case ICC.SGI1R_EL1:
        this.#sendSgi(cpu, value, true);
        return true;
      case ICC.ASGI1R_EL1:
      case ICC.SGI0R_EL1:
        this.#sendSgi(cpu, value, false);
        return true;
      default:
        return false;
    }
  }

  #acknowledge(cpu: number, group: 0 | 1): number {
    const candidate = this.#core.signalled(cpu);
    if (candidate?.group !== group) return SPURIOUS;
    this.#core.acknowledge(cpu, candidate);
    this.#core.update();
    return candidate.intid;
  }

  #highest(cpu: number, group: 0 | 1): number {
    const candidate = this.#core.highestPending(cpu);
    return candidate?.group === group ? candidate.intid : SPURIOUS;
  }

  #end(cpu: number, group: 0 | 1, intid: number): void {
    const priorities = this.#core.prioritiesOf(cpu);
    // Ending by the other group's register is UNPREDICTABLE (GICv3, ICC_EOIR0_EL1); as on QEMU it ends nothing.
    if (!this.#core.locate(cpu, intid) || priorities.runningGroup !== group) return;
    priorities.drop(group);
    if (!this.#eoiMode[cpu]) this.#core.deactivate(cpu, intid);
  }

  /**
   * ICC_SGI1R_EL1, ICC_ASGI1R_EL1 and ICC_SGI0R_EL1.
   * @param group1 whether the SGI may be one that the receiver has put into group 1. With one Security state ICC_SGI1R_EL1 sends
   * to either group, the other two to group 0 only, as Linux's virtual GIC has it.
   */
  #sendSgi(cpu: number, value: bigint, group1: boolean): void {
    const intid = Number((value >> 24n) & 0xfn);
    const others = ((value >> 40n) & 1n) !== 0n;
    // CPU n has affinity 0.0.0.n: Aff1, Aff2 and Aff3 must be zero.
    const affinity321 = ((value >> 16n) & 0xffn) | ((value >> 32n) & 0xffn) | ((value >> 48n) & 0xffn);
    const first = Number((value >> 44n) & 0xfn) * 16;
    const list = Number(value & 0xffffn);
    for (let target = 0; target < this.#core.cpus; target += 1) {
      const listed =
        affinity321 === 0n && target >= first && target < first + 16 && (list >>> (target - first)) & 1;
      if (others ? target === cpu : !listed) continue;
      const bank = this.#core.privateOf(target);
      if (group1 || bank.groupOf(intid) === 0) bank.latchPending(intid);
    }
  }
}
