import type { Breakpoint, Watchpoint } from "../../debugger/breakpoint.ts";
import type { DebugSession } from "../../debugger/session.ts";
import type { DebuggedVcpu } from "../../debugger/vcpu.ts";
import type { Finding } from "../../debugger/why.ts";
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

/** What the client has planted, and what was planted with it. */
interface Planted {
  readonly request: BreakpointRequest;
  readonly own: Breakpoint | Watchpoint;
  /** The same where KASLR has moved the kernel to; a text when it could not be planted. */
  twin: Breakpoint | Watchpoint | string | undefined;
}

/** So many breakpoints that were taken out are remembered. */
const mostRemoved = 256;

/** All of a request that makes a difference, as text. */
function textOf({ conditions, commands }: BreakpointRequest): string {
  const bytes = [...conditions, ...(commands?.expressions ?? [])].map((each) => [...each].join(","));
  return `${conditions.length};${commands?.persist};${bytes.join(";")}`;
}

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
  readonly #planted = new Map<string, Planted>();
  /** What the client has taken out lately: with the same request it comes back, with its number and history. */
  readonly #removed = new Map<string, Planted>();

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
      if (before !== undefined) this.#takeAway(key, before);
      const known = this.#removed.get(key);
      if (known !== undefined && this.#isSame(known, request)) {
        this.#session.breakpoints.restore(known.own);
        this.#removed.delete(key);
        this.#planted.set(key, known);
      } else this.#planted.set(key, { request, own: this.#plant(request), twin: undefined });
      if (!this.#session.symbols.isLinkAddress(address)) return;
      this.#session.placement.wanted = true;
      this.moveTwins();
    });
  }

  remove(kind: BreakpointKind, address: bigint, length: number): Outcome {
    const key = keyOf(kind, address, length);
    const planted = this.#planted.get(key);
    if (planted !== undefined) this.#takeAway(key, planted);
    return "done";
  }

  /**
   * What the client has planted at addresses as linked is planted where the kernel runs too, as soon as that is known: before
   * KASLR a client knows no others.
   */
  moveTwins(): void {
    const { symbols, current } = this.#session;
    if (this.#planted.size === 0 || symbols.linked === undefined) return;
    let slide: bigint | undefined;
    for (const planted of this.#planted.values()) {
      const { request, twin } = planted;
      if (!symbols.isLinkAddress(request.address)) continue;
      slide ??= symbols.slide(current);
      if (slide === undefined || slide === 0n) return;
      const address = BigInt.asUintN(64, request.address + slide);
      try {
        if (typeof twin === "object" && twin.address === address) this.#session.breakpoints.restore(twin);
        else planted.twin = this.#plant({ ...request, address });
      } catch (error) {
        planted.twin = error instanceof Error ? error.message : String(error);
      }
    }
  }

  /** The guest starts anew: nobody knows where its kernel will be. */
  dropTwins(): void {
    for (const planted of [...this.#planted.values(), ...this.#removed.values()]) {
      const { twin } = planted;
      if (typeof twin === "object") this.#session.breakpoints.remove(twin);
      planted.twin = undefined;
    }
  }

  /** The address as the client knows it, when all of these were planted at a moved one in its stead. */
  linkAddressOf(hit: readonly (Breakpoint | Watchpoint)[]): bigint | undefined {
    const all = [...this.#planted.values()];
    const own = hit.map((each) => all.find(({ twin }) => twin === each));
    return own.every((each) => each !== undefined) ? own[0]?.request.address : undefined;
  }

  /** For a user who asks about an address: whether it has a twin. */
  twinFindings(address: bigint): readonly Finding[] {
    const all = [...this.#planted.values(), ...this.#removed.values()];
    return all.flatMap(({ request, own, twin }): Finding[] => {
      if (request.address !== address || twin === undefined) return [];
      if (typeof twin === "string")
        return [{ kind: "moved", text: `it could not be planted where KASLR has moved the kernel: ${twin}` }];
      const where = `0x${twin.address.toString(16)}`;
      const text = `breakpoint ${twin.number} at ${where} stands for ${own.number} where KASLR has moved the kernel; it was hit ${twin.history.hits} times`;
      return [{ kind: "moved", text }];
    });
  }

  #takeAway(key: string, planted: Planted): void {
    const { own, twin } = planted;
    this.#session.breakpoints.remove(own);
    if (typeof twin === "object") this.#session.breakpoints.remove(twin);
    this.#planted.delete(key);
    // Clients take their breakpoints out at every stop, and put the same in again.
    this.#removed.delete(key);
    this.#removed.set(key, planted);
    const [oldest] = this.#removed.keys();
    if (this.#removed.size > mostRemoved && oldest !== undefined) this.#removed.delete(oldest);
  }

  /** Whether a breakpoint that was taken out is what the client asks for now. */
  #isSame({ request, own }: Planted, wanted: BreakpointRequest): boolean {
    if (wanted.kind === "software" && "kind" in own && own.kind !== this.softwareKind) return false;
    return textOf(request) === textOf(wanted);
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
