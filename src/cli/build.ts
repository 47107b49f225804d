// What scripts/bundle.mjs puts in when it makes the command line one file. Without it, as in tests, these names do not exist.
declare const VMEXIT_VERSION: string;
declare const VMEXIT_INTERPRETER: string;

/** The package's version; undefined in code that was not bundled. */
export const bundledVersion: string | undefined =
  typeof VMEXIT_VERSION === "string" ? VMEXIT_VERSION : undefined;

/** The fingerprint of the interpreter that belongs to this code; undefined in code that was not bundled. */
export const bundledInterpreter: string | undefined =
  typeof VMEXIT_INTERPRETER === "string" ? VMEXIT_INTERPRETER : undefined;
