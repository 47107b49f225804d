import { DebuggerError } from "../../../debugger/errors.ts";

/** A 64-bit value in hexadecimal. */
export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** An address as gdb's users write it. @throws DebuggerError */
export function parseAddress(text: string | undefined): bigint {
  if (text === undefined || !/^(0x[0-9a-f]+|\d+)$/i.test(text))
    throw new DebuggerError("invalid", `${text ?? "nothing"} is not an address; write it as 0x…`);
  return BigInt.asUintN(64, BigInt(text));
}

/** `on` or `off`; undefined when nothing is said. @throws DebuggerError */
export function parseSwitch(what: string, word: string | undefined): boolean | undefined {
  if (word === undefined) return undefined;
  if (word !== "on" && word !== "off")
    throw new DebuggerError("invalid", `${what} is on or off, not ${word}`);
  return word === "on";
}
