import type { X86DebugExit } from "../../../exits.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";
import { dr6Hits, dr6Step, resumeFlag } from "./bits.ts";
import type { GuestMemory } from "./guestMemory.ts";

/** Exception vectors (Intel SDM volume 3, 6.3.1). */
export const vectors = {
  divide: 0,
  debug: 1,
  breakpoint: 3,
  invalidOpcode: 6,
  noDevice: 7,
  stack: 12,
  protection: 13,
  page: 14,
  x87: 16,
} as const;

const dr6Told = 0xe00fn;
/** DR7.GD, which #DB clears (18.2.4). */
const dr7GeneralDetect = 0x2000n;

/** INT1, of one byte. */
const int1 = 0xf1;

/** Gives exceptions to the guest as the processor would. Whoever calls it must see that the registers are others then. */
export class Injector {
  readonly #file: X86VcpuFile;
  readonly #memory: GuestMemory;

  constructor(file: X86VcpuFile, memory: GuestMemory) {
    this.#file = file;
    this.#memory = memory;
  }

  /** An instruction of so many bytes counts as executed. */
  skip(bytes: bigint): void {
    const regs = this.#file.getRegs();
    this.#file.setRegs({ ...regs, rip: regs.rip + bytes, rflags: regs.rflags & ~resumeFlag });
  }

  /** An exception without error code, as of the instruction that begins `skipped` bytes further on. */
  inject(vector: number, skipped: bigint): void {
    if (skipped !== 0n) this.skip(skipped);
    const events = this.#file.getVcpuEvents();
    const exception = { injected: 1, nr: vector, has_error_code: 0, pending: 0, error_code: 0 };
    this.#file.setVcpuEvents({ ...events, flags: 0, exception });
  }

  /** INT n of kernel mode: an interrupt, as of the instruction behind its two bytes. */
  interrupt(vector: number): void {
    this.skip(2n);
    const events = this.#file.getVcpuEvents();
    const interrupt = { ...events.interrupt, injected: 1, nr: vector, soft: 0 };
    this.#file.setVcpuEvents({ ...events, flags: 0, interrupt });
  }

  /** The guest's own single step: #DB with BS, the lower bits of its DR6 cleared. */
  step(): void {
    const registers = this.#file.getDebugRegs();
    this.#file.setDebugRegs({ ...registers, dr6: (registers.dr6 & ~dr6Hits) | dr6Step });
    this.inject(vectors.debug, 0n);
  }

  /** #BP behind the INT3 at `pc`. */
  breakpoint(): void {
    this.inject(vectors.breakpoint, 1n);
  }

  /** #DB with what `dr6` tells. @param pc the linear address of the next instruction */
  debug({ dr6 }: X86DebugExit, pc: bigint): void {
    const told = dr6 & dr6Told;
    const registers = this.#file.getDebugRegs();
    this.#file.setDebugRegs({
      ...registers,
      dr6: (registers.dr6 & ~dr6Hits) | told,
      dr7: registers.dr7 & ~dr7GeneralDetect,
    });
    // A fault of an instruction breakpoint saves RF, or the guest would never get past it (18.3.1.1).
    if (isInstructionBreakpoint(told, registers.dr7, registers.db, pc)) {
      const regs = this.#file.getRegs();
      this.#file.setRegs({ ...regs, rflags: regs.rflags | resumeFlag });
    }
    // Where nothing is told it was INT1, at which RIP still is.
    this.inject(vectors.debug, told === 0n && this.#memory.byte(pc) === int1 ? 1n : 0n);
  }
}

/** Whether one of the guest's own registers that have hit is for execution here. */
const isInstructionBreakpoint = (dr6: bigint, dr7: bigint, db: readonly bigint[], pc: bigint): boolean =>
  db.some((address, i) => {
    const isHit = ((dr6 >> BigInt(i)) & 1n) !== 0n;
    const isExecution = ((dr7 >> BigInt(16 + 4 * i)) & 3n) === 0n;
    return isHit && isExecution && address === pc;
  });
