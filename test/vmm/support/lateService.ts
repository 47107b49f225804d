import type { InstructionSet } from "../../../src/engine/operation.ts";
import {
  type RegionJob,
  type RegionResult,
  type RegionService,
  regionWorker,
} from "../../../src/vmm/regionCompiler.ts";

/** Compiles in the same thread, and hands results over when they have been asked for so many times. */
export class LateService implements RegionService {
  readonly #work: (job: RegionJob) => RegionResult;
  readonly #late: number;
  readonly #lasts: number;
  readonly #results: { result: RegionResult; asked: number }[] = [];
  posted = 0;

  /** `lasts`: jobs after which it breaks down. */
  constructor(set: InstructionSet, late: number, lasts = Number.POSITIVE_INFINITY) {
    this.#work = regionWorker(set);
    this.#late = late;
    this.#lasts = lasts;
  }

  get working(): boolean {
    return this.posted <= this.#lasts;
  }

  post(job: RegionJob): void {
    this.posted++;
    // As it would get to another thread.
    this.#results.push({ result: this.#work(structuredClone(job)), asked: 0 });
  }

  take(): RegionResult | undefined {
    if (!this.working) return undefined;
    for (const each of this.#results) each.asked++;
    // The last first: they may come in any order.
    const index = this.#results.findLastIndex(({ asked }) => asked > this.#late);
    return index < 0 ? undefined : this.#results.splice(index, 1)[0]?.result;
  }
}
