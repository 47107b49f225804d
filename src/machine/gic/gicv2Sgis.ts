import type { GicCore } from "./gicCore.ts";

/** SGIs of one CPU. */
const SGIS = 16;

/**
 * GICv2's software-generated interrupts, which are pending once for each CPU that sent them (GICv2, "Software-generated interrupts"). The interrupt
 * bank's latch is set exactly while a source is left.
 */
export class Gicv2Sgis {
  readonly #core: GicCore;
  readonly #sources: readonly Uint8Array[];

  constructor(core: GicCore) {
    this.#core = core;
    this.#sources = Array.from({ length: core.cpus }, () => new Uint8Array(SGIS));
  }

  reset(): void {
    for (const sources of this.#sources) sources.fill(0);
  }

  /** The CPUs whose SGI `intid` waits for `cpu`: a bit each. */
  sources(cpu: number, intid: number): number {
    return this.#sources[cpu]?.[intid] ?? 0;
  }

  add(cpu: number, intid: number, sources: number): void {
    this.#set(cpu, intid, this.sources(cpu, intid) | sources);
  }

  remove(cpu: number, intid: number, sources: number): void {
    this.#set(cpu, intid, this.sources(cpu, intid) & ~sources);
  }

  /** The CPU whose SGI is answered next: the lowest number. */
  nextSource(cpu: number, intid: number): number {
    const sources = this.sources(cpu, intid);
    return sources === 0 ? 0 : 31 - Math.clz32(sources & -sources);
  }

  save(): number[][] {
    return this.#sources.map((sources) => [...sources]);
  }

  load(state: readonly (readonly number[])[]): void {
    for (const [cpu, sources] of this.#sources.entries()) sources.set(state[cpu] ?? []);
  }

  #set(cpu: number, intid: number, sources: number): void {
    const mine = this.#sources[cpu];
    if (!mine) return;
    mine[intid] = sources;
    const { latch } = this.#core.privateOf(cpu);
    latch[0] = ((latch[0] ?? 0) & ~(1 << intid)) | (sources === 0 ? 0 : 1 << intid);
  }
}
