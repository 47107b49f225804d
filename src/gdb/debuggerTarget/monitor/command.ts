import type { DebugSession } from "../../../debugger/session.ts";

import type { TargetBreakpoints } from "../breakpoints.ts";

/** What a `monitor` command works on. */
export interface MonitorContext {
  readonly session: DebugSession;
  readonly breakpoints: TargetBreakpoints;
  /** Text for the user; newlines are the command's own. */
  readonly print: (text: string) => void;
}

/** One `monitor` command. */
export interface MonitorCommand {
  readonly name: string;
  /** What follows the name, such as `ADDRESS`. */
  readonly usage: string;
  readonly help: string;
  /** @throws DebuggerError with one line for the user. */
  execute(context: MonitorContext, words: readonly string[]): void;
}
