/** What the command line answers its caller with. */
export const exitStatus = {
  /** The guest powered off, or the command did what it was asked. */
  done: 0,
  /** The user asked for something that cannot be. */
  user: 1,
  /** The guest or the machine failed: it broke, waits for ever, or used up its limit. */
  failed: 2,
} as const;

/** The status shells show for a program that a signal ended (POSIX: 128 + its number). */
export const signalStatus = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

export type SignalName = keyof typeof signalStatus;
