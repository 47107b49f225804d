import type { DebugArchitecture } from "./architecture.ts";
import type { BreakpointList } from "./breakpoints.ts";
import type { MemoryView } from "./memory.ts";
import type { DebuggedVcpu } from "./vcpu.ts";

/** What sequences are read from, and where their ends are planted. */
export interface ExclusiveSequenceParts {
  readonly architecture: DebugArchitecture;
  readonly breakpoints: BreakpointList;
  readonly memory: MemoryView;
}

/** Steps that are a whole exclusive sequence, because its store would fail for ever if it were stepped. */
export class ExclusiveSequences {
  readonly #parts: ExclusiveSequenceParts;
  readonly #inside = new Set<DebuggedVcpu>();

  constructor(parts: ExclusiveSequenceParts) {
    this.#parts = parts;
  }

  /** Whether the present step of a vCPU is a whole sequence. */
  has(vcpu: DebuggedVcpu): boolean {
    return this.#inside.has(vcpu);
  }

  /**
   * Where the sequence can be left that the load-exclusive before `pc` begins; undefined when `pc` is such a place, or it is no
   * sequence. The monitor must have outlived the load's step, as the embedded substrate's does.
   */
  endsAfter(vcpu: DebuggedVcpu, pc: bigint): readonly bigint[] | undefined {
    const { architecture, memory } = this.#parts;
    const ends = architecture.exclusiveSequence?.(vcpu.kvm, pc, (address, length) => {
      const bytes = new Uint8Array(length);
      return memory.readVirtual(vcpu.kvm, address, bytes) === length ? bytes : undefined;
    });
    return ends?.includes(pc) === true ? undefined : ends;
  }

  /** The vCPU's step goes on to one of these places. */
  begin(vcpu: DebuggedVcpu, ends: readonly bigint[]): void {
    this.#inside.add(vcpu);
    this.#parts.breakpoints.setStepEnds(vcpu, ends);
  }

  /** The vCPU's step is over, or goes elsewhere. */
  end(vcpu: DebuggedVcpu): void {
    if (this.#inside.delete(vcpu)) this.#parts.breakpoints.setStepEnds(vcpu, []);
  }

  /** The run is over. */
  endAll(): void {
    for (const vcpu of this.#inside) this.end(vcpu);
  }
}
