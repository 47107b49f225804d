import type { DebugSession } from "../../../debugger/session.ts";
import { type Outcome, refuse } from "../../refusal.ts";
import type { MonitorCapability } from "../../target.ts";
import type { TargetBreakpoints } from "../breakpoints.ts";
import { outcomeOf } from "../outcome.ts";
import type { MonitorCommand } from "./command.ts";
import { monitorCommands } from "./commands.ts";

/** `monitor …`: the commands of the target itself. A command's name may be shortened as long as it is clear. */
export class Monitor implements MonitorCapability {
  readonly #session: DebugSession;
  readonly #breakpoints: TargetBreakpoints;
  readonly #commands: readonly MonitorCommand[];

  /** @param more commands that only this guest's architecture has */
  constructor(session: DebugSession, breakpoints: TargetBreakpoints, more: readonly MonitorCommand[] = []) {
    this.#session = session;
    this.#breakpoints = breakpoints;
    this.#commands = [...monitorCommands, ...more];
  }

  execute(line: string, print: (text: string) => void): Outcome {
    const [name = "help", ...words] = line.trim() === "" ? [] : line.trim().split(/\s+/);
    if (name === "help") {
      for (const { name: each, usage, help } of this.#commands)
        print(`${`${each} ${usage}`.padEnd(30)}${help}\n`);
      return "done";
    }
    const exact = this.#commands.filter((command) => command.name === name);
    const found =
      exact.length > 0 ? exact : this.#commands.filter((command) => command.name.startsWith(name));
    const [command] = found;
    if (command === undefined)
      return refuse("invalid", `there is no command ${name}; "monitor help" lists them`);
    if (found.length > 1)
      return refuse("invalid", `${name} may be ${found.map((each) => each.name).join(" or ")}`);
    return outcomeOf(() =>
      command.execute({ session: this.#session, breakpoints: this.#breakpoints, print }, words),
    );
  }
}
