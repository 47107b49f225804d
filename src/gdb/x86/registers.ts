import type { RegisterAccess } from "../../debugger/architecture.ts";
import { DebuggerError } from "../../debugger/errors.ts";
import { x86DebugRegisters } from "../../debugger/x86/registers.ts";
import type { ArchitectureDescription } from "../architecture.ts";
import type { TargetRegisters } from "../debuggerTarget/registers.ts";
import { X86_NAMES, type X86Name, x86Architecture } from "./architecture.ts";
import { x86Commands } from "./monitor.ts";

/** The 64-bit registers behind gdb's 32-bit names. */
const wide: Readonly<Record<string, string>> = {
  eax: "rax",
  ecx: "rcx",
  edx: "rdx",
  ebx: "rbx",
  esp: "rsp",
  ebp: "rbp",
  esi: "rsi",
  edi: "rdi",
};

/** The lower half of a register; what is written has an upper half of zeros, as in 64-bit code. */
function lowerHalf(name: string, register: RegisterAccess): RegisterAccess {
  return {
    ...register,
    name,
    bits: 32,
    read: (vcpu) => BigInt.asUintN(32, register.read(vcpu)),
  };
}

/** What a register of gdb's is: its program counter is an address, so the linear one. */
function accessOf(name: string): RegisterAccess | undefined {
  const { [name]: full } = wide;
  const register = x86DebugRegisters.get(full ?? (name === "rip" || name === "eip" ? "pc" : name));
  if (register === undefined) return undefined;
  return full !== undefined || name === "eip" ? lowerHalf(name === "eip" ? "pc" : name, register) : register;
}

/** x86's registers as gdb knows them, in the description that has been chosen. */
export class X86TargetRegisters implements TargetRegisters {
  readonly byNumber: ReadonlyMap<number, RegisterAccess>;
  readonly commands = x86Commands(this);
  readonly #descriptions: ReadonlyMap<X86Name, ArchitectureDescription>;
  #chosen: X86Name;

  /** @param first which description clients get before anybody chooses: one that fits the program file they have */
  constructor(first: X86Name = "i386:x86-64") {
    this.#chosen = first;
    const system = [...x86DebugRegisters.values()].filter(({ group }) => group === "system");
    this.#descriptions = new Map(X86_NAMES.map((name) => [name, x86Architecture(name, system)]));
    const byNumber = new Map<number, RegisterAccess>();
    for (const { features } of this.#descriptions.values()) {
      for (const { name, regnum } of features.flatMap(({ registers }) => registers)) {
        const access = accessOf(name);
        if (access !== undefined) byNumber.set(regnum, access);
      }
    }
    this.byNumber = byNumber;
  }

  get description(): ArchitectureDescription {
    const found = this.#descriptions.get(this.#chosen);
    if (found === undefined) throw new DebuggerError("invalid", `there is no description ${this.#chosen}`);
    return found;
  }

  /** Which description the next client that asks gets. */
  get chosen(): X86Name {
    return this.#chosen;
  }

  set chosen(name: X86Name) {
    this.#chosen = name;
  }
}
