import { DebuggerError } from "../../../debugger/errors.ts";
import type { MonitorCommand } from "./command.ts";
import { parseSwitch } from "./parse.ts";

/** `monitor guest-breaks`. */
const guestBreaks: MonitorCommand = {
  name: "guest-breaks",
  usage: "[stop|deliver]",
  help: "the guest's own BRK, hardware breakpoints, watchpoints and steps: show them first, or just deliver them",
  execute: ({ session, print }, [word]) => {
    const { settings } = session;
    if (word === "stop" || word === "deliver") settings.guestBreaks = word;
    else if (word !== undefined)
      throw new DebuggerError("invalid", `the guest's own breaks stop or are delivered, they do not ${word}`);
    print(
      settings.guestBreaks === "stop"
        ? "stop at the guest's own debug events; they are delivered when the guest goes on\n"
        : "the guest's own debug events are delivered to it\n",
    );
  },
};

/** `monitor step-interrupts`. */
const stepInterrupts: MonitorCommand = {
  name: "step-interrupts",
  usage: "[on|off]",
  help: "whether a step may end in an interrupt's handler; off holds interrupts while stepping",
  execute: ({ session, print }, [word]) => {
    const { settings } = session;
    const taken = parseSwitch("step-interrupts", word);
    if (taken !== undefined) settings.holdInterruptsWhileStepping = !taken;
    print(`interrupts are ${settings.holdInterruptsWhileStepping ? "held" : "taken"} while stepping\n`);
  },
};

/** `monitor step-exclusives`. */
const stepExclusives: MonitorCommand = {
  name: "step-exclusives",
  usage: "[on|off]",
  help: "whether a step takes a load-exclusive/store-exclusive sequence as one; off steps inside of it",
  execute: ({ session, print }, [word]) => {
    const { settings } = session;
    const whole = parseSwitch("step-exclusives", word);
    if (whole !== undefined) settings.stepExclusivesWhole = whole;
    print(`exclusive sequences are ${settings.stepExclusivesWhole ? "one step" : "stepped inside of"}\n`);
  },
};

/** What a user may choose about stops and steps. */
export const settingsCommands: readonly MonitorCommand[] = [guestBreaks, stepInterrupts, stepExclusives];
