/**
 * Why a request was refused, with the number gdb sees (`E14`). The protocol gives the numbers no meaning;
 * these are Linux's errno values, as other servers send them.
 */
export const REFUSAL_NUMBERS = {
  /** No such file, annex or object. */
  absent: 2,
  /** No vCPU has that thread id. */
  "no-thread": 3,
  /** The guest has ended, or the client has detached from it. */
  "not-attached": 3,
  /** The host failed: our fault, not the client's. */
  failed: 5,
  /** The packet or what it asks for is longer than we take. */
  "too-long": 7,
  /** The address is not mapped, or not that way. */
  unmapped: 14,
  /** The guest runs; stop it first. */
  running: 16,
  /** The packet is malformed or asks for something that makes no sense. */
  invalid: 22,
  /** All hardware breakpoints or watchpoints are taken. */
  exhausted: 28,
  /** Understood, and not offered by this target. */
  unsupported: 95,
} as const satisfies Record<string, number>;

/** The kinds of refusal. */
export type RefusalReason = keyof typeof REFUSAL_NUMBERS;

/** A request that was not carried out, and why: `detail` is one clear line for the user. */
export interface Refusal {
  readonly refused: RefusalReason;
  readonly detail: string;
}

/** What became of a request: done, or refused with nothing changed. */
export type Outcome = "done" | Refusal;

/** Builds a refusal. `detail` names what was asked for and why it cannot be. */
export function refuse(refused: RefusalReason, detail: string): Refusal {
  return { refused, detail };
}
