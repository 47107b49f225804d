import type { ReadMemory } from "../readMemory.ts";

/** The registers of code that an exception interrupted, as far as a backtrace needs them. */
export interface InterruptedContext {
  readonly pc: bigint;
  readonly fp: bigint;
  readonly lr: bigint;
}

// Linux: struct pt_regs begins with user_pt_regs {x0…x30, sp, pc, pstate} (asm/ptrace.h), an ABI to user space. What
// comes between that and the frame record (`stackframe`) changed several times, so the distance is searched.
const FRAME_POINTER = 29 * 8;
const LINK_REGISTER = 30 * 8;
const STACK_POINTER = 31 * 8;
const PROGRAM_COUNTER = 32 * 8;
const PSTATE = 33 * 8;
const LEAST_DISTANCE = 34 * 8;
const MOST_DISTANCE = LEAST_DISTANCE + 80;

/** AArch64 mode field of a saved PSTATE: EL0t, EL1t, EL1h, EL2t, EL2h (Arm ARM, SPSR_EL1.M). */
const MODES: readonly bigint[] = [0n, 4n, 5n, 8n, 9n];

function isPstate(value: bigint): boolean {
  return value >> 32n === 0n && MODES.includes(value & 0x1fn);
}

/**
 * The context an exception saved, when the frame record at `record` is the one the exception's entry code made.
 * It is recognised by its contents alone: the saved x29 and pc must be the record's own two words.
 * @param record address of the record {x29, return address} and its two words.
 * @param marked the record is {0, 0} with a word behind it that says "exception" (since Linux 6.13): then only the
 * plausibility of what was saved decides.
 */
export function interruptedContext(
  record: bigint,
  [savedFp, savedPc]: readonly [bigint, bigint],
  marked: boolean,
  read: ReadMemory,
): InterruptedContext | undefined {
  const below = read(record - BigInt(MOST_DISTANCE), MOST_DISTANCE);
  if (below === undefined || below.length < MOST_DISTANCE) return undefined;
  const view = new DataView(below.buffer, below.byteOffset, below.byteLength);
  for (let distance = LEAST_DISTANCE; distance <= MOST_DISTANCE; distance += 8) {
    const at = (field: number): bigint => view.getBigUint64(MOST_DISTANCE - distance + field, true);
    if (!isPstate(at(PSTATE))) continue;
    const pc = at(PROGRAM_COUNTER);
    const fp = at(FRAME_POINTER);
    if (marked) {
      const stack = at(STACK_POINTER);
      if (pc === 0n || pc % 4n !== 0n || fp % 8n !== 0n || stack % 16n !== 0n || stack === 0n) continue;
    } else if (pc !== savedPc || fp !== savedFp) {
      continue;
    }
    return { pc, fp, lr: at(LINK_REGISTER) };
  }
  return undefined;
}
