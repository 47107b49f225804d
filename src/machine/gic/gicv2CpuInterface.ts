import type { AccessSize, MmioDevice, Saveable } from "../device.ts";
import { readByWords, writeByWords } from "../devices/wordAccess.ts";
import { FIRST_SPECIAL, type GicCore, SPURIOUS } from "./gicCore.ts";
import type { Gicv2Sgis } from "./gicv2Sgis.ts";

/** GICv2 (IHI 0048B), the CPU interface register map. */
const GICC = {
  CTLR: 0x00,
  PMR: 0x04,
  BPR: 0x08,
  IAR: 0x0c,
  EOIR: 0x10,
  RPR: 0x14,
  HPPIR: 0x18,
  ABPR: 0x1c,
  AIAR: 0x20,
  AEOIR: 0x24,
  AHPPIR: 0x28,
  APR0: 0xd0,
  NSAPR0: 0xe0,
  IIDR: 0xfc,
  DIR: 0x1000,
} as const;

/** GICC_CTLR without Security Extensions. */
const CTLR = {
  ENABLE_GROUPS: 3,
  ACK_CTL: 1 << 2,
  FIQ_EN: 1 << 3,
  CBPR: 1 << 4,
  EOI_MODE: 1 << 9,
  WRITABLE: 0x3ff,
} as const;

/** GIC-400 r0p1: architecture version 2. */
const IIDR = 0x0202_143b;
/** What a read by a CPU that may not answer group 1 gets instead of it. */
const GROUP_1_PENDING = 1022;
const SGIS = 16;

/** GICC of a GICv2: the registers of the CPU that makes the access. */
export class Gicv2CpuInterface implements MmioDevice, Saveable<readonly number[]> {
  readonly name = "gicv2 cpu interface";
  readonly #core: GicCore;
  readonly #sgis: Gicv2Sgis;
  readonly #control: Uint16Array;

  constructor(core: GicCore, sgis: Gicv2Sgis) {
    this.#core = core;
    this.#sgis = sgis;
    this.#control = new Uint16Array(core.cpus);
  }

  reset(): void {
    this.#control.fill(0);
  }

  groupsEnabled(cpu: number): number {
    return this.#controlOf(cpu) & CTLR.ENABLE_GROUPS;
  }

  fiqGroups(cpu: number): number {
    return this.#controlOf(cpu) & CTLR.FIQ_EN ? 1 : 0;
  }

  read(offset: number, size: AccessSize, cpu: number): bigint {
    const value = readByWords(offset, size, (at) => this.#readWord(at, cpu));
    this.#core.update();
    return value;
  }

  write(offset: number, size: AccessSize, value: bigint, cpu: number): void {
    writeByWords(offset, size, value, (at, word) => this.#writeWord(at, word, cpu));
    this.#core.update();
  }

  /** GICC_CTLR of each CPU. */
  save(): number[] {
    return [...this.#control];
  }

  load(state: readonly number[]): void {
    this.#control.set(state);
  }

  #controlOf(cpu: number): number {
    return this.#control[cpu] ?? 0;
  }

  #readWord(offset: number, cpu: number): number {
    const priorities = this.#core.prioritiesOf(cpu);
    switch (offset) {
      case GICC.CTLR:
        return this.#controlOf(cpu);
      case GICC.PMR:
        return priorities.pmr;
      case GICC.BPR:
        return priorities.bpr(0);
      case GICC.ABPR:
        return priorities.bpr(1);
      case GICC.IAR:
        return this.#acknowledge(cpu, 0);
      case GICC.AIAR:
        return this.#acknowledge(cpu, 1);
      case GICC.RPR:
        return priorities.running;
      case GICC.HPPIR:
        return this.#answer(cpu, this.#core.highestPending(cpu), 0);
      case GICC.AHPPIR:
        return this.#answer(cpu, this.#core.highestPending(cpu), 1);
      case GICC.APR0:
        return priorities.activePriorities(0);
      case GICC.NSAPR0:
        return priorities.activePriorities(1);
      case GICC.IIDR:
        return IIDR;
      default:
        return 0;
    }
  }

  #writeWord(offset: number, value: number, cpu: number): void {
    const priorities = this.#core.prioritiesOf(cpu);
    switch (offset) {
      case GICC.CTLR:
        this.#control[cpu] = value & CTLR.WRITABLE;
        priorities.cbpr = (value & CTLR.CBPR) !== 0;
        break;
      case GICC.PMR:
        priorities.pmr = value;
        break;
      case GICC.BPR:
        priorities.setBpr(0, value);
        break;
      case GICC.ABPR:
        priorities.setBpr(1, value);
        break;
      case GICC.EOIR:
      case GICC.AEOIR:
        this.#end(cpu, value & 0x3ff);
        break;
      case GICC.APR0:
        priorities.setActivePriorities(0, value);
        break;
      case GICC.NSAPR0:
        priorities.setActivePriorities(1, value);
        break;
      case GICC.DIR:
        // GICv2, GICC_DIR: only where EOImode has split the end of an interrupt in two.
        if (this.#controlOf(cpu) & CTLR.EOI_MODE) this.#core.deactivate(cpu, value & 0x3ff);
        break;
      default:
    }
  }

  /** What IAR and HPPIR (alias 0) or their aliases for group 1 (alias 1) show of an interrupt: GICv2, GICC_IAR and GICC_AIAR. */
  #answer(cpu: number, candidate: { intid: number; group: 0 | 1 } | undefined, alias: 0 | 1): number {
    if (!candidate) return SPURIOUS;
    if (alias === 1 && candidate.group === 0) return SPURIOUS;
    if (alias === 0 && candidate.group === 1 && !(this.#controlOf(cpu) & CTLR.ACK_CTL))
      return GROUP_1_PENDING;
    const source = candidate.intid < SGIS ? this.#sgis.nextSource(cpu, candidate.intid) : 0;
    return candidate.intid | (source << 10);
  }

  #acknowledge(cpu: number, alias: 0 | 1): number {
    const candidate = this.#core.signalled(cpu);
    const answer = this.#answer(cpu, candidate, alias);
    if (!candidate || (answer & 0x3ff) >= FIRST_SPECIAL) return answer;
    this.#core.acknowledge(cpu, candidate);
    if (candidate.intid < SGIS) this.#sgis.remove(cpu, candidate.intid, 1 << (answer >> 10));
    return answer;
  }

  #end(cpu: number, intid: number): void {
    const place = this.#core.locate(cpu, intid);
    const priorities = this.#core.prioritiesOf(cpu);
    if (!place || priorities.runningGroup === undefined) return;
    priorities.drop(place.bank.groupOf(place.index));
    if (!(this.#controlOf(cpu) & CTLR.EOI_MODE)) this.#core.deactivate(cpu, intid);
  }
}
