import { DebuggerError } from "../../../debugger/errors.ts";
import type { MonitorCommand } from "./command.ts";
import { exitsCommand } from "./exits.ts";
import { hex, parseAddress } from "./parse.ts";
import { settingsCommands } from "./settings.ts";
import { whyCommand } from "./why.ts";

const info: MonitorCommand = {
  name: "info",
  usage: "[substrate]",
  help: "the substrate, the guest's time and the vCPUs; or what the substrate can and cannot do",
  execute: ({ session, print }, [what]) => {
    const { machine, vcpus } = session;
    const [substrate = "embedded", ...details] = machine.describe?.() ?? [];
    print(`substrate: ${substrate}, ${vcpus.length} vCPU${vcpus.length === 1 ? "" : "s"}\n`);
    if (what === "substrate") {
      for (const line of details) print(`${line}\n`);
      return;
    }
    if (what !== undefined)
      throw new DebuggerError("invalid", `info is about the substrate or nothing, not ${what}`);
    print(`virtual time: ${(machine.now / 1e9).toFixed(9)} s\n`);
    for (const vcpu of session.vcpus)
      print(
        `cpu${vcpu.id}: ${vcpu.state}, PC ${hex(vcpu.pc)}${vcpu === session.current ? ", current" : ""}\n`,
      );
  },
};

const stats: MonitorCommand = {
  name: "stats",
  usage: "",
  help: "how often the guest has left to the hypervisor, by reason, and what executing its code took",
  execute: ({ session, print }) => {
    for (const [reason, count] of Object.entries(session.machine.exitCounts)) print(`${reason}: ${count}\n`);
    for (const line of session.machine.engineLines?.() ?? []) print(`${line}\n`);
  },
};

const symbols: MonitorCommand = {
  name: "symbols",
  usage: "[NAME|ADDRESS]",
  help: "what a symbol or an address is, or where the guest's symbols are",
  execute: ({ session, print }, [what]) => {
    const { current } = session;
    const { linked } = session.symbols;
    if (linked === undefined) throw new DebuggerError("invalid", "no symbols are loaded");
    if (what === undefined) {
      const slide = session.symbols.slide(current);
      const where = slide === undefined ? "it is not known yet where the kernel is" : `slide ${hex(slide)}`;
      print(`${linked.size} symbols, ${where}\n`);
      return;
    }
    const address = session.symbols.addressOf(what, current);
    if (address !== undefined) {
      print(`${what} = ${hex(address)}\n`);
      return;
    }
    const at = parseAddress(what);
    print(`${hex(at)} = ${session.symbols.describe(at, current) ?? "no symbol's"}\n`);
  },
};

const backtrace: MonitorCommand = {
  name: "backtrace",
  usage: "",
  help: "the current vCPU's call stack, through exceptions and functions without frames",
  execute: ({ session, print }) => {
    const { frames } = session.symbols.backtrace(session.current);
    for (const [n, { pc, location, isCertain }] of frames.entries()) {
      const name = location === undefined ? "" : ` ${location.symbol.name}+${hex(BigInt(location.offset))}`;
      print(`#${n} ${hex(pc)}${name}${isCertain ? "" : " (frames may be missing before)"}\n`);
    }
  },
};

const translate: MonitorCommand = {
  name: "translate",
  usage: "ADDRESS",
  help: "the guest-physical address behind a guest-virtual one, as EL1 of the current vCPU sees it",
  execute: ({ session, print }, [text]) => {
    const address = parseAddress(text);
    const found = session.current.kvm.translate(address);
    if (found === undefined) throw new DebuggerError("unmapped", `${hex(address)} is not mapped`);
    const isMemory = session.memory.memoryAt(session.current.kvm, address) !== undefined;
    const rights = `${found.writeable ? "writeable" : "read-only"}${found.usermode ? ", EL0 may read" : ""}`;
    print(
      `${hex(address)} -> ${hex(found.physicalAddress)} (${isMemory ? "memory" : "no memory"}, ${rights})\n`,
    );
  },
};

const breakpoints: MonitorCommand = {
  name: "breakpoints",
  usage: "[unseen|patched]",
  help: "how new software breakpoints are planted: beside guest memory, or as instructions in it",
  execute: ({ breakpoints: target, session, print }, [kind]) => {
    if (kind === "unseen" || kind === "patched") {
      if (kind === "unseen" && session.machine.vm.unseenBreakpoints === undefined)
        throw new DebuggerError("unsupported", "this substrate has no unseen breakpoints");
      target.softwareKind = kind;
    } else if (kind !== undefined) {
      throw new DebuggerError("invalid", `breakpoints are unseen or patched, not ${kind}`);
    }
    print(`software breakpoints are ${target.softwareKind}\n`);
  },
};

const system: MonitorCommand = {
  name: "system",
  usage: "[NAME]",
  help: "the value of a system register of the current vCPU, or all names",
  execute: ({ session, print }, [name]) => {
    const all = [...session.architecture.registers.values()].filter(({ group }) => group === "system");
    if (name === undefined) {
      print(`${all.map((register) => register.name).join(" ")}\n`);
      return;
    }
    const register = all.find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (register === undefined) throw new DebuggerError("invalid", `there is no system register ${name}`);
    print(`${register.name} = ${hex(register.read(session.current.kvm))}\n`);
  },
};

const reset: MonitorCommand = {
  name: "reset",
  usage: "",
  help: "power-on reset: the machine stands at its first instruction (then: maintenance flush register-cache)",
  execute: ({ session, print }) => {
    session.reset();
    print(`stopped at ${hex(session.current.pc)}; "maintenance flush register-cache" makes gdb look again\n`);
  },
};

const quit: MonitorCommand = {
  name: "quit",
  usage: "",
  help: "ends the machine",
  execute: ({ session }) => session.kill(),
};

/** All commands but `help`, in the order they are listed in. */
export const monitorCommands: readonly MonitorCommand[] = [
  info,
  stats,
  exitsCommand,
  whyCommand,
  symbols,
  backtrace,
  translate,
  breakpoints,
  ...settingsCommands,
  system,
  reset,
  quit,
];
