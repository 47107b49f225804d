/** What a user may choose about stops and steps. */
export interface DebugSettings {
  /**
   * Interrupts stay pending while a vCPU steps, so that a step does not end in a handler. Other vCPUs that run meanwhile take
   * theirs.
   */
  holdInterruptsWhileStepping: boolean;
  /** A load-exclusive/store-exclusive sequence is one step: step by step it might never succeed. */
  stepExclusivesWhole: boolean;
  /** The guest's own debug events: delivered without a word, or shown first. */
  guestBreaks: "deliver" | "stop";
}

/** What holds unless the user says otherwise. */
export function defaultSettings(): DebugSettings {
  return { holdInterruptsWhileStepping: true, stepExclusivesWhole: true, guestBreaks: "deliver" };
}
