import type { AccessSize, MmioDevice } from "../device.ts";
import { readByWords, writeByWords } from "../devices/wordAccess.ts";
import { FIRST_SPI } from "../interruptController.ts";
import { bankRegisterAt, readBank, writeBank } from "./bankRegisters.ts";
import type { GicCore } from "./gicCore.ts";
import { GICV3_IIDR, gicv3Id } from "./gicv3Identification.ts";

/** GICv3 (IHI 0069), the GICD register map. */
const GICD = {
  CTLR: 0x0000,
  TYPER: 0x0004,
  IIDR: 0x0008,
  IROUTER: 0x6000,
  IROUTER_END: 0x8000,
} as const;

/** GICD_CTLR where there is one Security state (GICv3, GICD_CTLR with DS = 1). */
const CTLR = {
  ENABLE_GROUPS: 3,
  /** Affinity routing, always on. */
  ARE: 1 << 4,
  /** One Security state, always. */
  DS: 1 << 6,
  E1NWF: 1 << 7,
} as const;

/** GICD_TYPER: no LPIs, no message-based SPIs. */
const TYPER = {
  /** INTIDs have 10 bits. */
  ID_BITS: 9 << 19,
  /** Affinity 3 may be other than zero. */
  A3V: 1 << 24,
  /** "1 of N" routing is not supported: GICD_IROUTER.Interrupt_Routing_Mode reads as zero. */
  NO_1_OF_N: 1 << 25,
} as const;

/** Aff3, and Aff2–0: the bits of GICD_IROUTER that can be written. */
const ROUTE_HIGH = 0xff;
const ROUTE_LOW = 0x00ff_ffff;

/** GICD of a GICv3, 64 KiB. Interrupts 0–31 read as zero here: they belong to the redistributors. */
export class Gicv3Distributor implements MmioDevice {
  readonly name = "gicv3 distributor";
  readonly #core: GicCore;
  /** GICD_IROUTER of each SPI: low and high words. */
  readonly #routes: Uint32Array;
  #control = 0;

  constructor(core: GicCore) {
    this.#core = core;
    this.#routes = new Uint32Array(core.shared.words * 64);
  }

  /** EnableGrp0 and EnableGrp1. */
  get groupsEnabled(): number {
    return this.#control & CTLR.ENABLE_GROUPS;
  }

  reset(): void {
    this.load({ control: 0, routes: [] });
  }

  read(offset: number, size: AccessSize): bigint {
    return readByWords(offset, size, (at) => this.#readWord(at));
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    writeByWords(offset, size, value, (at, word, written) => this.#writeWord(at, word, written));
    this.#core.update();
  }

  save(): { readonly control: number; readonly routes: readonly number[] } {
    return { control: this.#control, routes: [...this.#routes] };
  }

  load(state: { readonly control: number; readonly routes: readonly number[] }): void {
    this.#control = state.control;
    this.#routes.fill(0).set(state.routes);
    for (let index = 0; index < this.#routes.length / 2; index += 1) this.#route(index);
  }

  #readWord(offset: number): number {
    if (offset >= GICD.IROUTER && offset < GICD.IROUTER_END) {
      return this.#routes[routeWord(offset)] ?? 0;
    }
    const access = bankRegisterAt(offset);
    if (access) {
      return access.intid < FIRST_SPI
        ? 0
        : readBank(this.#core.shared, access.register, access.intid - FIRST_SPI);
    }
    switch (offset) {
      case GICD.CTLR:
        return this.#control | CTLR.ARE | CTLR.DS;
      case GICD.TYPER:
        return TYPER.NO_1_OF_N | TYPER.A3V | TYPER.ID_BITS | (this.#core.intids / 32 - 1);
      case GICD.IIDR:
        return GICV3_IIDR;
      default:
        return gicv3Id("distributor", offset);
    }
  }

  #writeWord(offset: number, value: number, written: number): void {
    if (offset >= GICD.IROUTER && offset < GICD.IROUTER_END) {
      const word = routeWord(offset);
      if (word < 0 || word >= this.#routes.length) return;
      const kept = (this.#routes[word] ?? 0) & ~written;
      this.#routes[word] = (kept | value) & (word & 1 ? ROUTE_HIGH : ROUTE_LOW);
      this.#route(word >> 1);
      return;
    }
    const access = bankRegisterAt(offset);
    if (access) {
      if (access.intid >= FIRST_SPI) {
        writeBank(this.#core.shared, access.register, access.intid - FIRST_SPI, value, written);
      }
    } else if (offset === GICD.CTLR) {
      this.#control = value & (CTLR.ENABLE_GROUPS | CTLR.E1NWF);
    }
  }

  /** Lets an interrupt go to the CPU of its route, or to none if there is no such CPU. */
  #route(index: number): void {
    const high = this.#routes[index * 2 + 1] ?? 0;
    const low = this.#routes[index * 2] ?? 0;
    const bit = 1 << (index & 31);
    for (const [cpu, words] of this.#core.targets.entries()) {
      const before = words[index >> 5] ?? 0;
      // CPU n has affinity 0.0.0.n.
      words[index >> 5] = high === 0 && low === cpu ? before | bit : before & ~bit;
    }
  }
}

/** The word of `routes` at an offset; negative for INTIDs below 32, whose registers are reserved. */
function routeWord(offset: number): number {
  return ((offset - GICD.IROUTER) >> 2) - FIRST_SPI * 2;
}
