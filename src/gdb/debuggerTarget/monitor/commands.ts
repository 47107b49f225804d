import { DebuggerError } from "../../../debugger/errors.ts";
import type { MonitorCommand } from "./command.ts";

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** A number as gdb's users write it, or a register of the current vCPU. */
function parseAddress(text: string | undefined): bigint {
  if (text === undefined || !/^(0x[0-9a-f]+|\d+)$/i.test(text))
    throw new DebuggerError("invalid", `${text ?? "nothing"} is not an address; write it as 0x…`);
  return BigInt.asUintN(64, BigInt(text));
}

const info: MonitorCommand = {
  name: "info",
  usage: "",
  help: "the substrate, virtual time and the vCPUs",
  execute: ({ session, print }) => {
    const { machine } = session;
    print(`substrate: embedded, ${session.vcpus.length} vCPU${session.vcpus.length === 1 ? "" : "s"}\n`);
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
  help: "how often the guest has left to the hypervisor, by reason",
  execute: ({ session, print }) => {
    for (const [reason, count] of Object.entries(session.machine.exitCounts)) print(`${reason}: ${count}\n`);
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
  symbols,
  backtrace,
  translate,
  breakpoints,
  system,
  reset,
  quit,
];
