import type { Breakpoint, Watchpoint } from "../../debugger/breakpoints.ts";
import type { DebugSession } from "../../debugger/session.ts";
import type { DebuggedVcpu } from "../../debugger/vcpu.ts";
import { evaluateAgentExpression } from "../agent/evaluate.ts";
import type { AgentContext } from "../agent/machine.ts";
import type { Outcome } from "../refusal.ts";
import type { BreakpointCapability, BreakpointKind, BreakpointRequest, WatchAccess } from "../target.ts";
import { outcomeOf } from "./outcome.ts";
import { loadLittle, type TargetRegisters } from "./registers.ts";

const kinds: ReadonlySet<BreakpointKind> = new Set<BreakpointKind>([
  "software",
  "hardware",
  "watch-write",
  "watch-read",
  "watch-access",
]);

const watched: Readonly<Record<Exclude<BreakpointKind, "software" | "hardware">, WatchAccess>> = {
  "watch-write": "write",
  "watch-read": "read",
  "watch-access": "access",
};

const keyOf = (kind: BreakpointKind, address: bigint, length: number): string =>
  `${kind},${address},${length}`;

/** The client's breakpoints as breakpoints of the session. */
export class TargetBreakpoints implements BreakpointCapability {
  readonly kinds = kinds;
  readonly evaluatesExpressions = true;
  readonly watchpointCount: number;
  /** How `Z0` is planted; left as it is for breakpoints that are planted already. */
  softwareKind: "unseen" | "patched";
  readonly #session: DebugSession;
  readonly #registers: TargetRegisters;
  readonly #print: (text: string) => void;
  readonly #planted = new Map<string, Breakpoint | Watchpoint>();

  constructor(session: DebugSession, registers: TargetRegisters, print: (text: string) => void) {
    this.#session = session;
    this.#registers = registers;
    this.#print = print;
    this.watchpointCount = session.machine.vm.checkExtension("GUEST_DEBUG_HW_WPS");
    this.softwareKind = session.breakpoints.defaultKind === "unseen" ? "unseen" : "patched";
  }

  insert(request: BreakpointRequest): Outcome {
    const { kind, address, length } = request;
    const key = keyOf(kind, address, length);
    const before = this.#planted.get(key);
    return outcomeOf(() => {
      // The older one goes first: the hardware might not have room for both.
      if (before !== undefined) this.#session.breakpoints.remove(before);
      this.#planted.delete(key);
      this.#planted.set(key, this.#plant(request));
    });
  }

  remove(kind: BreakpointKind, address: bigint, length: number): Outcome {
    const key = keyOf(kind, address, length);
    const planted = this.#planted.get(key);
    this.#planted.delete(key);
    if (planted !== undefined) this.#session.breakpoints.remove(planted);
    return "done";
  }

  #plant(request: BreakpointRequest): Breakpoint | Watchpoint {
    const { kind, address, length } = request;
    const list = this.#session.breakpoints;
    const hasExpressions = request.conditions.length > 0 || request.commands !== undefined;
    const condition = hasExpressions ? (vcpu: DebuggedVcpu) => this.#stops(vcpu, request) : undefined;
    switch (kind) {
      case "software":
        return list.add({ address, kind: this.softwareKind, condition });
      case "hardware":
        return list.add({ address, kind: "hardware", condition });
      default:
        return list.watch({ address, length, access: watched[kind], condition });
    }
  }

  /** Whether a hit stops the guest: a condition holds, or cannot be evaluated, and there are no commands to run instead. */
  #stops(vcpu: DebuggedVcpu, { conditions, commands }: BreakpointRequest): boolean {
    const context = this.#contextOf(vcpu);
    const holds = conditions.some((bytecode) => {
      const result = evaluateAgentExpression(bytecode, context);
      if ("value" in result) return result.value !== 0n;
      this.#print(`breakpoint condition: ${result.error}\n`);
      return true;
    });
    if (conditions.length > 0 && !holds) return false;
    if (commands === undefined) return true;
    for (const expression of commands.expressions) {
      const result = evaluateAgentExpression(expression, context);
      if ("error" in result) this.#print(`breakpoint command: ${result.error}\n`);
    }
    return false;
  }

  #contextOf(vcpu: DebuggedVcpu): AgentContext {
    return {
      readRegister: (regnum) => this.#registers.byNumber.get(regnum)?.read(vcpu.kvm),
      readMemory: (address, bytes) => {
        const into = new Uint8Array(bytes);
        const done = this.#session.memory.readVirtual(vcpu.kvm, address, into);
        return done === bytes ? loadLittle(into) : undefined;
      },
      print: this.#print,
    };
  }
}
