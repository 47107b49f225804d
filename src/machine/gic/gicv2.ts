import type { Saveable } from "../device.ts";
import type { InterruptController, PendingLines } from "../interruptController.ts";
import { GicCore, type GicCoreState } from "./gicCore.ts";
import { Gicv2CpuInterface } from "./gicv2CpuInterface.ts";
import { Gicv2Distributor } from "./gicv2Distributor.ts";
import { Gicv2Sgis } from "./gicv2Sgis.ts";

/** What a GICv2 remembers. */
export interface Gicv2State {
  readonly core: GicCoreState;
  readonly distributorControl: number;
  readonly cpuControl: readonly number[];
  /** For each CPU and each of its 16 SGIs, the CPUs that sent it and were not yet answered: a bit each. */
  readonly sgiSources: readonly (readonly number[])[];
}

/**
 * GICv2 (IHI 0048B) without Security Extensions and without virtualization, identified as a GIC-400: all registers as a Secure
 * access sees them.
 */
export class Gicv2 implements InterruptController, Saveable<Gicv2State> {
  readonly version = 2;
  /** GICD, 4 KiB (64 KiB on the virt board). */
  readonly distributor: Gicv2Distributor;
  /** GICC of the CPU that makes the access, 8 KiB with GICC_DIR. */
  readonly cpuInterface: Gicv2CpuInterface;
  readonly #core: GicCore;
  readonly #sgis: Gicv2Sgis;

  /**
   * @param cpus 1–8.
   * @param intids INTIDs 0 to `intids` − 1 exist; a multiple of 32.
   * @throws InterruptControllerError if either is out of range.
   */
  constructor(cpus: number, intids = 288) {
    this.#core = new GicCore(cpus, intids, {
      groupsEnabled: (cpu) => this.distributor.control & this.cpuInterface.groupsEnabled(cpu),
      fiqGroups: (cpu) => this.cpuInterface.fiqGroups(cpu),
    });
    this.#sgis = new Gicv2Sgis(this.#core);
    this.distributor = new Gicv2Distributor(this.#core, this.#sgis);
    this.cpuInterface = new Gicv2CpuInterface(this.#core, this.#sgis);
    this.reset();
  }

  get cpus(): number {
    return this.#core.cpus;
  }

  get intids(): number {
    return this.#core.intids;
  }

  get onChange(): ((cpu: number) => void) | undefined {
    return this.#core.onChange;
  }

  set onChange(callback: ((cpu: number) => void) | undefined) {
    this.#core.onChange = callback;
  }

  setSpi(intid: number, level: boolean): void {
    this.#core.setSpi(intid, level);
  }

  setPpi(cpu: number, intid: number, level: boolean): void {
    this.#core.setPpi(cpu, intid, level);
  }

  pending(cpu: number): PendingLines {
    return this.#core.pending(cpu);
  }

  reset(): void {
    this.#core.reset();
    this.#sgis.reset();
    this.distributor.reset();
    this.cpuInterface.reset();
    this.#core.update();
  }

  save(): Gicv2State {
    return {
      core: this.#core.save(),
      distributorControl: this.distributor.control,
      cpuControl: this.cpuInterface.save(),
      sgiSources: this.#sgis.save(),
    };
  }

  load(state: Gicv2State): void {
    this.#core.load(state.core);
    this.distributor.control = state.distributorControl;
    this.cpuInterface.load(state.cpuControl);
    this.#sgis.load(state.sgiSources);
    this.#core.update();
  }
}
