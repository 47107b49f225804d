import type { AccessSize, MmioDevice } from "../device.ts";
import { readByWords, writeByWords } from "../devices/wordAccess.ts";
import { FIRST_SPI } from "../interruptController.ts";
import { type BankAccess, bankRegisterAt, readBank, writeBank } from "./bankRegisters.ts";
import type { GicCore } from "./gicCore.ts";
import type { Gicv2Sgis } from "./gicv2Sgis.ts";

/** GICv2 (IHI 0048B), the distributor register map. */
const GICD = {
  CTLR: 0x000,
  TYPER: 0x004,
  IIDR: 0x008,
  ITARGETSR: 0x800,
  ITARGETSR_END: 0xc00,
  SGIR: 0xf00,
  CPENDSGIR: 0xf10,
  SPENDSGIR: 0xf20,
  SPENDSGIR_END: 0xf30,
  ID: 0xfd0,
} as const;

/** GIC-400 r0p1 (DDI 0471B 3.2). */
const IIDR = 0x0200_143b;
/** PIDR4–7, PIDR0–3, CIDR0–3 of a GIC-400, from 0xFD0. */
const IDS = [0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1] as const;
/** The CPU-sourced interrupts: always enabled, edge-triggered. */
const SGI_BITS = 0xffff;
const SGI_CONFIG = 0xaaaa_aaaa;

/** GICD of a GICv2. */
export class Gicv2Distributor implements MmioDevice {
  readonly name = "gicv2 distributor";
  readonly #core: GicCore;
  readonly #sgis: Gicv2Sgis;
  /** GICD_CTLR: EnableGrp0 and EnableGrp1. */
  control = 0;

  constructor(core: GicCore, sgis: Gicv2Sgis) {
    this.#core = core;
    this.#sgis = sgis;
  }

  reset(): void {
    this.control = 0;
    for (const bank of this.#core.private) {
      bank.enabled[0] = SGI_BITS;
      bank.edge[0] = SGI_BITS;
    }
    // GICv2, GICD_ITARGETSR: with one CPU there are no targets to choose.
    if (this.#core.cpus === 1) this.#core.targets[0]?.fill(0xffff_ffff);
  }

  read(offset: number, size: AccessSize, cpu: number): bigint {
    return readByWords(offset, size, (at) => this.#readWord(at, cpu));
  }

  write(offset: number, size: AccessSize, value: bigint, cpu: number): void {
    writeByWords(offset, size, value, (at, word, written) => this.#writeWord(at, word, written, cpu));
    this.#core.update();
  }

  #readWord(offset: number, cpu: number): number {
    if (offset >= GICD.ITARGETSR && offset < GICD.ITARGETSR_END) {
      return fourBytes((i) => this.#readTarget(offset - GICD.ITARGETSR + i, cpu));
    }
    if (offset >= GICD.CPENDSGIR && offset < GICD.SPENDSGIR_END) {
      return fourBytes((i) => this.#sgis.sources(cpu, (offset & 0xf) + i));
    }
    const access = bankRegisterAt(offset);
    if (access) return this.#readBank(access, cpu);
    switch (offset) {
      case GICD.CTLR:
        return this.control;
      case GICD.TYPER:
        return ((this.#core.cpus - 1) << 5) | (this.#core.intids / 32 - 1);
      case GICD.IIDR:
        return IIDR;
      default:
        return offset >= GICD.ID ? (IDS[(offset - GICD.ID) >> 2] ?? 0) : 0;
    }
  }

  #writeWord(offset: number, value: number, written: number, cpu: number): void {
    if (offset >= GICD.ITARGETSR && offset < GICD.ITARGETSR_END) {
      for (let i = 0; i < 4; i += 1) {
        if ((written >>> (i * 8)) & 0xff) this.#writeTarget(offset - GICD.ITARGETSR + i, value >>> (i * 8));
      }
      return;
    }
    if (offset >= GICD.CPENDSGIR && offset < GICD.SPENDSGIR_END) {
      for (let i = 0; i < 4; i += 1) {
        const intid = (offset & 0xf) + i;
        const sources = (value >>> (i * 8)) & 0xff;
        if (offset >= GICD.SPENDSGIR) this.#sgis.add(cpu, intid, sources & this.#allCpus);
        else this.#sgis.remove(cpu, intid, sources);
      }
      return;
    }
    const access = bankRegisterAt(offset);
    if (access) this.#writeBank(access, value, written, cpu);
    else if (offset === GICD.CTLR) this.control = value & 3;
    else if (offset === GICD.SGIR) this.#sendSgi(value, cpu);
  }

  get #allCpus(): number {
    return (1 << this.#core.cpus) - 1;
  }

  #readBank({ register, intid }: BankAccess, cpu: number): number {
    return intid < FIRST_SPI
      ? readBank(this.#core.privateOf(cpu), register, intid)
      : readBank(this.#core.shared, register, intid - FIRST_SPI);
  }

  #writeBank({ register, intid }: BankAccess, value: number, written: number, cpu: number): void {
    if (intid >= FIRST_SPI) {
      writeBank(this.#core.shared, register, intid - FIRST_SPI, value, written);
      return;
    }
    const bank = this.#core.privateOf(cpu);
    switch (register) {
      case "ISENABLER":
      case "ICENABLER":
      // GICv2, GICD_ISPENDR: SGIs are made pending by GICD_SGIR and GICD_SPENDSGIR only.
      case "ISPENDR":
      case "ICPENDR":
        writeBank(bank, register, intid, value & ~SGI_BITS, written);
        break;
      case "ICFGR":
        writeBank(bank, register, intid, intid === 0 ? SGI_CONFIG : value, written);
        break;
      default:
        writeBank(bank, register, intid, value, written);
    }
  }

  #readTarget(intid: number, cpu: number): number {
    if (this.#core.cpus === 1 || intid >= this.#core.intids) return 0;
    // GICv2, GICD_ITARGETSR: for its own interrupts a CPU reads its own bit, and that is how it learns its number.
    if (intid < FIRST_SPI) return 1 << cpu;
    const index = intid - FIRST_SPI;
    let targets = 0;
    for (const [target, words] of this.#core.targets.entries()) {
      targets |= (((words[index >> 5] ?? 0) >>> (index & 31)) & 1) << target;
    }
    return targets;
  }

  #writeTarget(intid: number, targets: number): void {
    if (this.#core.cpus === 1 || intid < FIRST_SPI || intid >= this.#core.intids) return;
    const index = intid - FIRST_SPI;
    const bit = 1 << (index & 31);
    for (const [target, words] of this.#core.targets.entries()) {
      const before = words[index >> 5] ?? 0;
      words[index >> 5] = (targets >>> target) & 1 ? before | bit : before & ~bit;
    }
  }

  /** GICD_SGIR: to a list of CPUs, to all others, or to the sender. */
  #sendSgi(value: number, cpu: number): void {
    const intid = value & 0xf;
    const filter = (value >>> 24) & 3;
    const listed = (value >>> 16) & 0xff;
    const self = 1 << cpu;
    const targets = [listed, this.#allCpus & ~self, self, 0][filter] ?? 0;
    for (let target = 0; target < this.#core.cpus; target += 1) {
      if ((targets >>> target) & 1) this.#sgis.add(target, intid, self);
    }
  }
}

function fourBytes(byte: (i: number) => number): number {
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}
