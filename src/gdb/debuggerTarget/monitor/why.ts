import { DebuggerError } from "../../../debugger/errors.ts";
import { explain, explainAddress, type Finding } from "../../../debugger/why.ts";
import type { MonitorCommand } from "./command.ts";
import { hex, parseAddress } from "./parse.ts";

/** `monitor why`: why did my breakpoint not hit? */
export const whyCommand: MonitorCommand = {
  name: "why",
  usage: "[NUMBER|ADDRESS|SYMBOL]",
  help: "why a breakpoint does or does not stop the guest; alone, the breakpoints with their numbers here",
  execute: ({ session, breakpoints: target, print }, [what]) => {
    const list = session.breakpoints;
    const planted = [...list.breakpoints, ...list.watchpoints];
    const all = [...planted, ...list.removed].sort((a, b) => a.number - b.number);
    if (what === undefined) {
      if (all.length === 0) print("nothing is planted, and nothing was\n");
      for (const each of all) {
        const kind =
          "kind" in each ? `${each.kind} breakpoint` : `watchpoint (${each.access}, ${each.length} bytes)`;
        const taken = planted.includes(each) ? "" : ", taken out now";
        print(`${each.number}: ${kind} at ${hex(each.address)}, hit ${each.history.hits} times${taken}\n`);
      }
      return;
    }
    const say = (findings: readonly Finding[]): void => {
      for (const { text } of findings) print(`${text}\n`);
    };
    if (/^\d{1,6}$/.test(what)) {
      const number = Number(what);
      const which = all.find((each) => each.number === number);
      if (which === undefined)
        throw new DebuggerError("invalid", `there is no breakpoint ${what}; "monitor why" lists them`);
      say(explain(session, which));
      say(target.twinFindings(which.address));
      return;
    }
    const address = session.symbols.addressOf(what, session.current) ?? parseAddress(what);
    say(explainAddress(session, address));
    say(target.twinFindings(address));
  },
};
