import { DebuggerError } from "../../../debugger/errors.ts";
import { exitText } from "../../../debugger/exitText.ts";
import type { MonitorCommand } from "./command.ts";

const usual = 20;

/** `monitor exits`: what the guest has left to the hypervisor for, and whose business it was. */
export const exitsCommand: MonitorCommand = {
  name: "exits",
  usage: "[N]",
  help: "the last N exits (20): what, where, whose by which rule, what came of it, what it cost",
  execute: ({ session, print }, [count]) => {
    const most = count === undefined ? usual : /^\d+$/.test(count) ? Number(count) : 0;
    if (most === 0) throw new DebuggerError("invalid", `${count} is not a number of exits`);
    const records = session.exits.last(most);
    if (records.length === 0) print("no exits yet\n");
    for (const record of records) print(`${exitText(record, session.architecture)}\n`);
  },
};
