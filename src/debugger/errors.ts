/** Whose fault a refused request is, and what kind. */
export type DebuggerErrorReason =
  /** The guest runs; stop it first. */
  | "running"
  /** The guest is off; reset it first. */
  | "ended"
  /** Nothing is mapped at the address. */
  | "unmapped"
  /** All hardware breakpoints or watchpoints are taken. */
  | "exhausted"
  /** The substrate cannot do it. */
  | "unsupported"
  /** The request makes no sense. */
  | "invalid";

/** A refused request: nothing has changed. */
export class DebuggerError extends Error {
  override readonly name = "DebuggerError";
  readonly reason: DebuggerErrorReason;

  constructor(reason: DebuggerErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
