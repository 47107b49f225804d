/** An image that cannot be booted because of what it is: the message says what it is and what to use instead. */
export class BootImageError extends Error {
  override readonly name = "BootImageError";
}

/** Images that are fine by themselves but cannot be placed in this machine's memory: too large, or on top of each other. */
export class BootLayoutError extends Error {
  override readonly name = "BootLayoutError";
}
