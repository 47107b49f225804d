import { engineState } from "../../../engine/layout.ts";
import { arm64State } from "../../../isa/arm64/state.ts";
import type { Arm64Cluster } from "../cluster.ts";
import type { Arm64Cpu } from "../cpu.ts";
import { resources } from "../systemRegisters/identification.ts";
import { currentAsid, type Regime, readRegime } from "./regime.ts";
import { SecondLevelTlb } from "./secondLevel.ts";

const pcWord = engineState.pc.place.address >>> 2;

/** One vCPU's stage 1 as its registers set it up, and the TLBs that remember what it translated to: the engine's, and the CPU's own. */
export class Stage1 {
  readonly secondLevel = new SecondLevelTlb();
  readonly #cluster: Arm64Cluster;
  readonly #cpu: Arm64Cpu;
  #regime: Regime | undefined;
  #asid = 0;

  constructor(cluster: Arm64Cluster, cpu: Arm64Cpu) {
    this.#cluster = cluster;
    this.#cpu = cpu;
  }

  /** The engine's translation contexts of EL0 and EL1. */
  context(el: 0 | 1): number {
    return this.#cpu.index * 2 + el;
  }

  get regime(): Regime {
    const { system } = this.#cpu;
    this.#regime ??= readRegime({
      sctlr: system.get("SCTLR_EL1"),
      tcr: system.get("TCR_EL1"),
      ttbr0: system.get("TTBR0_EL1"),
      ttbr1: system.get("TTBR1_EL1"),
      mair: system.get("MAIR_EL1"),
      physicalBits: resources.physicalBits,
    });
    return this.#regime;
  }

  /** The address space identifier in force. */
  get asid(): number {
    return this.#asid;
  }

  /** Drops the set-up that was read from the registers; `keepTlb` when only the ASID or a base changed. */
  registersChanged(keepTlb: boolean): void {
    const { system } = this.#cpu;
    const { engine, registers } = this.#cluster;
    this.#regime = undefined;
    this.#asid = currentAsid(system.get("TCR_EL1"), system.get("TTBR0_EL1"), system.get("TTBR1_EL1"));
    if (keepTlb) {
      registers.setInt(arm64State.fetchesChanged, 1);
      for (const el of [0, 1] as const) engine.tlb.flushFirst(this.context(el));
    } else {
      this.flush();
    }
    registers.setInt(engineState.asid, this.#asid);
  }

  /** Forgets every translation. */
  flush(): void {
    this.secondLevel.flush();
    this.flushFirstLevel();
  }

  /** Forgets what the engine's TLBs hold. */
  flushFirstLevel(): void {
    const { engine, registers } = this.#cluster;
    registers.setInt(arm64State.fetchesChanged, 1);
    engine.tlb.flush(this.context(0));
    engine.tlb.flush(this.context(1));
  }

  /** Forgets the translations of one address space, but for global ones. */
  flushAsid(asid: number): void {
    const { engine, registers } = this.#cluster;
    this.secondLevel.flushAsid(asid);
    registers.setInt(arm64State.fetchesChanged, 1);
    for (const el of [0, 1] as const) engine.tlb.flushAsid(this.context(el), asid);
  }

  /** Forgets the page, or block, at an address without a tag. */
  flushPage(va: bigint, asid: number | "all"): void {
    if (this.secondLevel.flushPage(Number(va >> 12n), asid)) this.flushFirstLevel();
    else this.#flushFirstLevelPage(va);
  }

  /** Fetches look nothing up within a page: only the one that runs can be stale. */
  #flushFirstLevelPage(va: bigint): void {
    const { engine, registers } = this.#cluster;
    const { memory } = engine;
    const low = memory.lowHalf(va);
    if ((((memory.words[pcWord] ?? 0) ^ low) & ~0xfff) === 0 && memory.words[pcWord + 1] === memory.highHalf)
      registers.setInt(arm64State.fetchesChanged, 1);
    engine.tlb.flushPage(this.context(0), va);
    engine.tlb.flushPage(this.context(1), va);
  }
}
