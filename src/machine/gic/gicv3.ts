import type { Saveable } from "../device.ts";
import type {
  InterruptController,
  PendingLines,
  SystemRegisterEncoding,
  SystemRegisterInterface,
} from "../interruptController.ts";
import { GicCore, type GicCoreState } from "./gicCore.ts";
import { Gicv3CpuInterface, type Gicv3CpuInterfaceState } from "./gicv3CpuInterface.ts";
import { Gicv3Distributor } from "./gicv3Distributor.ts";
import { Gicv3Redistributors } from "./gicv3Redistributor.ts";

/** What a GICv3 remembers. */
export interface Gicv3State {
  readonly core: GicCoreState;
  readonly distributor: { readonly control: number; readonly routes: readonly number[] };
  readonly wakers: readonly number[];
  readonly cpuInterface: Gicv3CpuInterfaceState;
}

/**
 * GICv3 (IHI 0069) with affinity routing only and one Security state: group 0 is signalled as FIQ, group 1 as IRQ. No LPIs and no
 * ITS, no "1 of N" routing, no GICv2 compatibility; CPU n has affinity 0.0.0.n.
 */
export class Gicv3 implements InterruptController, SystemRegisterInterface, Saveable<Gicv3State> {
  readonly version = 3;
  /** GICD, 64 KiB. */
  readonly distributor: Gicv3Distributor;
  /** All CPUs' GICR frames, REDISTRIBUTOR_SIZE each; the rest of the range reads as zero. */
  readonly redistributors: Gicv3Redistributors;
  readonly #cpuInterface: Gicv3CpuInterface;
  readonly #core: GicCore;

  /**
   * @param cpus 1–8.
   * @param intids INTIDs 0 to `intids` − 1 exist; a multiple of 32.
   * @throws InterruptControllerError if either is out of range.
   */
  constructor(cpus: number, intids = 288) {
    this.#core = new GicCore(cpus, intids, {
      groupsEnabled: (cpu) => this.distributor.groupsEnabled & this.#cpuInterface.groupsEnabled(cpu),
      fiqGroups: () => 1,
    });
    this.distributor = new Gicv3Distributor(this.#core);
    this.redistributors = new Gicv3Redistributors(this.#core);
    this.#cpuInterface = new Gicv3CpuInterface(this.#core);
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

  readSystemRegister(cpu: number, encoding: SystemRegisterEncoding): bigint | undefined {
    return this.#cpuInterface.readSystemRegister(cpu, encoding);
  }

  writeSystemRegister(cpu: number, encoding: SystemRegisterEncoding, value: bigint): boolean {
    return this.#cpuInterface.writeSystemRegister(cpu, encoding, value);
  }

  reset(): void {
    this.#core.reset();
    this.distributor.reset();
    this.redistributors.reset();
    this.#cpuInterface.reset();
    this.#core.update();
  }

  save(): Gicv3State {
    return {
      core: this.#core.save(),
      distributor: this.distributor.save(),
      wakers: this.redistributors.save(),
      cpuInterface: this.#cpuInterface.save(),
    };
  }

  load(state: Gicv3State): void {
    this.#core.load(state.core);
    this.distributor.load(state.distributor);
    this.redistributors.load(state.wakers);
    this.#cpuInterface.load(state.cpuInterface);
    this.#core.update();
  }
}
