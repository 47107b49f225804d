import type { AccessSize, MmioDevice } from "../device.ts";
import { readByWords, writeByWords } from "../devices/wordAccess.ts";
import { FIRST_SPI } from "../interruptController.ts";
import { bankRegisterAt, readBank, writeBank } from "./bankRegisters.ts";
import type { GicCore } from "./gicCore.ts";
import { GICV3_IIDR, gicv3Id } from "./gicv3Identification.ts";

/** GICv3, the GICR register map of RD_base. */
const GICR = { CTLR: 0x0000, IIDR: 0x0004, TYPER: 0x0008, TYPER_HIGH: 0x000c, WAKER: 0x0014 } as const;
/** RD_base and SGI_base, 64 KiB each. */
const FRAME = 0x1_0000;
/** GICR_WAKER. */
const WAKER = { PROCESSOR_SLEEP: 1 << 1, CHILDREN_ASLEEP: 1 << 2 } as const;
/** GICR_TYPER.Last. */
const LAST = 1 << 4;
const SGI_CONFIG = 0xaaaa_aaaa;
const SGI_BITS = 0xffff;

/** Bytes of one CPU's redistributor. */
export const REDISTRIBUTOR_SIZE = 2 * FRAME;

/**
 * The redistributors of a GICv3, one after another: RD_base and SGI_base of CPU 0, of CPU 1, … LPIs are not implemented. As on
 * QEMU a redistributor forwards interrupts also while GICR_WAKER says it sleeps.
 */
export class Gicv3Redistributors implements MmioDevice {
  readonly name = "gicv3 redistributors";
  readonly #core: GicCore;
  readonly #waker: Uint8Array;

  constructor(core: GicCore) {
    this.#core = core;
    this.#waker = new Uint8Array(core.cpus);
  }

  reset(): void {
    this.#waker.fill(WAKER.PROCESSOR_SLEEP | WAKER.CHILDREN_ASLEEP);
    for (const bank of this.#core.private) bank.edge[0] = SGI_BITS;
  }

  read(offset: number, size: AccessSize): bigint {
    return readByWords(offset, size, (at) => this.#readWord(at));
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    writeByWords(offset, size, value, (at, word, written) => this.#writeWord(at, word, written));
    this.#core.update();
  }

  /** GICR_WAKER of each CPU. */
  save(): number[] {
    return [...this.#waker];
  }

  load(state: readonly number[]): void {
    this.#waker.set(state);
  }

  #readWord(offset: number): number {
    const cpu = Math.floor(offset / REDISTRIBUTOR_SIZE);
    if (cpu >= this.#core.cpus) return 0;
    const at = offset % FRAME;
    if (offset % REDISTRIBUTOR_SIZE >= FRAME) {
      const access = bankRegisterAt(at);
      if (access && access.intid < FIRST_SPI)
        return readBank(this.#core.privateOf(cpu), access.register, access.intid);
      return gicv3Id("redistributor", at);
    }
    switch (at) {
      case GICR.IIDR:
        return GICV3_IIDR;
      case GICR.TYPER:
        return (cpu << 8) | (cpu === this.#core.cpus - 1 ? LAST : 0);
      case GICR.TYPER_HIGH:
        // CPU n has affinity 0.0.0.n.
        return cpu;
      case GICR.WAKER:
        return this.#waker[cpu] ?? 0;
      default:
        return gicv3Id("redistributor", at);
    }
  }

  #writeWord(offset: number, value: number, written: number): void {
    const cpu = Math.floor(offset / REDISTRIBUTOR_SIZE);
    if (cpu >= this.#core.cpus) return;
    const at = offset % FRAME;
    if (offset % REDISTRIBUTOR_SIZE < FRAME) {
      if (at !== GICR.WAKER) return;
      this.#waker[cpu] = value & WAKER.PROCESSOR_SLEEP ? WAKER.PROCESSOR_SLEEP | WAKER.CHILDREN_ASLEEP : 0;
      return;
    }
    const access = bankRegisterAt(at);
    if (!access || access.intid >= FIRST_SPI) return;
    const { register, intid } = access;
    const config = register === "ICFGR" && intid === 0;
    writeBank(this.#core.privateOf(cpu), register, intid, config ? SGI_CONFIG : value, written);
  }
}
