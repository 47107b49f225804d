/** What the debugger needs of the program it runs in: a clock and turns of its event loop. */
export interface Host {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Calls back soon, after events that are already waiting (sockets, timers): `setImmediate` in Node. */
  defer(callback: () => void): void;
  /** Calls back after so many milliseconds. */
  delay(milliseconds: number, callback: () => void): void;
}

/** A host from its `defer` alone; the rest is the same everywhere. */
export function hostWith(defer: (callback: () => void) => void): Host {
  return {
    now: () => performance.now(),
    defer: (callback) => {
      defer(callback);
    },
    delay: (milliseconds, callback) => {
      setTimeout(callback, milliseconds);
    },
  };
}
