import { DebuggerError } from "../../debugger/errors.ts";
import { x86ModeOf } from "../../debugger/x86/mode.ts";
import {
  x86MsrId,
  x86NamedMsrs,
  x86RegisterId,
  x86SegmentNames,
  x86TableNames,
} from "../../kvm/x86Registers.ts";
import type { MonitorCommand } from "../debuggerTarget/monitor/command.ts";
import { X86_NAMES, type X86Name } from "./architecture.ts";

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** What `monitor architecture` chooses. */
export interface DescriptionChoice {
  chosen: X86Name;
}

function number(text: string | undefined, what: string): bigint {
  if (text === undefined || !/^(0x[0-9a-f]+|\d+)$/i.test(text))
    throw new DebuggerError("invalid", `${text ?? "nothing"} is no ${what}; write it as 0x…`);
  return BigInt(text);
}

function msrIndex(text: string | undefined): number {
  const named = new Map<string, number>(Object.entries(x86NamedMsrs)).get((text ?? "").toLowerCase());
  const index = named === undefined ? number(text, "MSR") : BigInt(named);
  if (index > 0xffff_ffffn) throw new DebuggerError("invalid", "the number of an MSR has 32 bits");
  return Number(index);
}

const rdmsr: MonitorCommand = {
  name: "rdmsr",
  usage: "MSR",
  help: "the value of a model-specific register of the current vCPU, by number or name",
  execute: ({ session, print }, [which]) => {
    const index = msrIndex(which);
    print(`MSR ${hex(BigInt(index))} = ${hex(session.current.kvm.getOneReg(x86MsrId(index)))}\n`);
  },
};

const wrmsr: MonitorCommand = {
  name: "wrmsr",
  usage: "MSR VALUE",
  help: "sets a model-specific register of the current vCPU",
  execute: ({ session, print }, [which, text]) => {
    const index = msrIndex(which);
    const value = number(text, "value");
    if (value >= 2n ** 64n) throw new DebuggerError("invalid", "an MSR has 64 bits");
    session.current.kvm.setOneReg(x86MsrId(index), value);
    print(`MSR ${hex(BigInt(index))} = ${hex(value)}\n`);
  },
};

const cpu: MonitorCommand = {
  name: "cpu",
  usage: "",
  help: "the current vCPU's mode, segments, descriptor tables and control registers",
  execute: ({ session, print }) => {
    const { kvm, id, pc } = session.current;
    const get = (name: string): bigint => kvm.getOneReg(x86RegisterId(name));
    const { name, codeBits, level } = x86ModeOf(kvm);
    print(`cpu${id}: ${name} mode, ${codeBits}-bit code, CPL ${level}\n`);
    print(`CS:RIP ${hex(get("cs"))}:${hex(get("rip"))}, linear ${hex(pc)}, RFLAGS ${hex(get("eflags"))}\n`);
    for (const segment of x86SegmentNames) {
      const register = segment === "ldt" ? "ldtr" : segment;
      const [base, limit, rights] = ["base", "limit", "attributes"].map((field) =>
        hex(get(`${register}_${field}`)),
      );
      print(
        `${register.padEnd(4)} ${hex(get(register)).padEnd(7)} base ${base} limit ${limit} attributes ${rights}\n`,
      );
    }
    for (const table of x86TableNames)
      print(`${table}r base ${hex(get(`${table}r_base`))} limit ${hex(get(`${table}r_limit`))}\n`);
    print(
      `${["cr0", "cr2", "cr3", "cr4", "cr8", "efer"].map((each) => `${each} ${hex(get(each))}`).join(", ")}\n`,
    );
    print(`${[0, 1, 2, 3, 6, 7].map((n) => `dr${n} ${hex(get(`dr${n}`))}`).join(", ")} (the guest's)\n`);
  },
};

const aliases: Readonly<Record<string, X86Name>> = {
  "x86-64": "i386:x86-64",
  "16": "i8086",
  "32": "i386",
  "64": "i386:x86-64",
};

function architecture(choice: DescriptionChoice): MonitorCommand {
  return {
    name: "architecture",
    usage: "[i386:x86-64|i386|i8086|auto]",
    help: 'which description gdb gets when it next asks ("unset tdesc filename"), for 16-bit and 32-bit code',
    execute: ({ session, print }, [text]) => {
      if (text === "auto") {
        const { codeBits } = x86ModeOf(session.current.kvm);
        choice.chosen = aliases[String(codeBits)] ?? choice.chosen;
      } else if (text !== undefined) {
        const name = X86_NAMES.find((each) => each === (aliases[text] ?? text));
        if (name === undefined)
          throw new DebuggerError("invalid", `${text} is none of ${X86_NAMES.join(", ")}, auto`);
        choice.chosen = name;
      }
      print(`the description is ${choice.chosen}; "unset tdesc filename" makes gdb ask for it\n`);
    },
  };
}

/** The `monitor` commands of x86. */
export const x86Commands = (choice: DescriptionChoice): readonly MonitorCommand[] => [
  rdmsr,
  wrmsr,
  cpu,
  architecture(choice),
];
