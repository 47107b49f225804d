import { evaluateAgentExpression } from "../../../src/gdb/agent/evaluate.ts";
import { arm64Architecture } from "../../../src/gdb/arm64/architecture.ts";
import { ARM64_FIRST_SYSTEM_REGNUM, ARM64_REGNUM } from "../../../src/gdb/arm64/core.ts";
import { type Outcome, refuse } from "../../../src/gdb/refusal.ts";
import type {
  BreakpointCapability,
  BreakpointKind,
  BreakpointRequest,
  MonitorCapability,
  PhysicalMemoryCapability,
  ResumeAction,
  ReverseCapability,
  StopEvent,
  StopReason,
  Target,
  TargetEvent,
  TargetStatus,
  TargetThread,
  ThreadId,
  ThreadResume,
} from "../../../src/gdb/target.ts";
import {
  newCpu,
  RAM_BYTES,
  RAM_START,
  ramOffset,
  stepCpu,
  type TinyCpu,
  type TinyMemory,
} from "./tinyCpu.ts";

const SYSTEM_REGISTERS = [{ name: "ESR_EL1" }, { name: "FAR_EL1" }, { name: "MIDR_EL1", bits: 32 }] as const;
const SIGSEGV = 11;
const SIGILL = 4;
const SIGTRAP = 5;
/** Guest-physical RAM is seen at guest-virtual RAM_START. */
export const PHYSICAL_RAM_START = 0x8000_0000n;

interface Snapshot {
  readonly cpus: readonly { readonly x: BigUint64Array; readonly pc: bigint; readonly pstate: number }[];
  readonly memory: Uint8Array;
}

export interface TinyOptions {
  readonly cpus?: number;
  /** Keep every state, so that reverse execution can go back to it. Slow, and meant for short runs. */
  readonly history?: boolean;
  /** Answer reads and resumes later instead of at once. */
  readonly asynchronous?: boolean;
}

/** A machine of a few instructions, 64 KiB and one or more vCPUs under a debugger. Its stops are real. */
export class TinyMachine implements Target {
  readonly architecture = arm64Architecture(SYSTEM_REGISTERS);
  readonly cpus: TinyCpu[];
  readonly ram = new Uint8Array(RAM_BYTES);
  readonly planted = new Map<string, BreakpointRequest>();
  readonly log: string[] = [];
  readonly breakpoints: BreakpointCapability;
  readonly monitor: MonitorCapability;
  readonly physicalMemory: PhysicalMemoryCapability;
  readonly reverse: ReverseCapability | undefined;
  readonly kill = { kill: (): Outcome => this.#kill() };
  readonly restart = { restart: (argv: readonly string[]): Outcome => this.#restart(argv) };
  readonly stepPolicy;
  readonly #memory: TinyMemory;
  readonly #program: Uint8Array;
  readonly #history: Snapshot[] = [];
  readonly #options: TinyOptions;
  readonly #listeners = new Set<(event: TargetEvent) => void>();
  readonly #threads: readonly TargetThread[];
  #status: TargetStatus = { kind: "stopped", thread: 1, reason: { kind: "interrupt" } };
  #plan: readonly ThreadResume[] = [];
  #interrupted = false;
  #stepBits = 7;
  #generation = 0;
  /** The vCPUs whose PC is at a breakpoint that has been reported. */
  readonly #reported = new Set<ThreadId>();

  constructor(program: Uint8Array, options: TinyOptions = {}) {
    this.#program = program;
    this.#options = options;
    const count = options.cpus ?? 1;
    this.cpus = Array.from({ length: count }, newCpu);
    this.#threads = this.cpus.map((_, index) => ({
      id: index + 1,
      name: `cpu${index}`,
      core: index,
      detail: "at EL1 <tiny>",
    }));
    this.#memory = {
      bytes: this.ram,
      view: new DataView(this.ram.buffer),
      watched: (address, write) => this.#watched(address, write) !== undefined,
    };
    this.breakpoints = {
      kinds: new Set<BreakpointKind>(["software", "hardware", "watch-write", "watch-read", "watch-access"]),
      evaluatesExpressions: true,
      watchpointCount: 4,
      insert: (request) => {
        if (options.asynchronous !== true) return this.#insert(request);
        return Promise.resolve().then(() => this.#insert(request));
      },
      remove: (kind, address, length) => {
        this.log.push(`remove ${kind} 0x${address.toString(16)}`);
        this.planted.delete(`${kind},${address},${length}`);
        return "done";
      },
    };
    this.monitor = { execute: (line, print, signal) => this.#monitor(line, print, signal) };
    this.physicalMemory = {
      read: (address, into) => this.#copyOut(address - PHYSICAL_RAM_START + RAM_START, into),
      write: (address, bytes) => this.#copyIn(address - PHYSICAL_RAM_START + RAM_START, bytes),
    };
    this.reverse =
      options.history === true ? { resume: (thread, kind) => this.#reverse(thread, kind) } : undefined;
    this.stepPolicy = {
      bits: { ENABLE: 1, NOIRQ: 2, NOTIMER: 4 },
      get: () => this.#stepBits,
      set: (bits: number): Outcome => {
        if (bits > 7) return refuse("invalid", "there are three bits");
        this.#stepBits = bits;
        return "done";
      },
    };
    this.#load();
  }

  /** How often a client has resumed the guest before it left. */
  get resumes(): number {
    const left = this.log.indexOf("detach");
    return this.log.slice(0, left < 0 ? undefined : left).filter((line) => line.startsWith("resume")).length;
  }

  status(): TargetStatus {
    return this.#status;
  }

  threads(): readonly TargetThread[] {
    return this.#threads;
  }

  readRegister(thread: ThreadId, regnum: number, into: Uint8Array): Outcome | Promise<Outcome> {
    if (this.#options.asynchronous === true) {
      return Promise.resolve().then(() => this.#readRegister(thread, regnum, into));
    }
    return this.#readRegister(thread, regnum, into);
  }

  writeRegister(thread: ThreadId, regnum: number, bytes: Uint8Array): Outcome {
    const cpu = this.#cpu(thread);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (regnum <= ARM64_REGNUM.sp) cpu.x[regnum] = view.getBigUint64(0, true);
    else if (regnum === ARM64_REGNUM.pc) {
      cpu.pc = view.getBigUint64(0, true);
      this.#reported.delete(thread);
    } else if (regnum === ARM64_REGNUM.cpsr) cpu.pstate = view.getUint32(0, true);
    else if (regnum < ARM64_REGNUM.fpsr) cpu.v.set(bytes, (regnum - ARM64_REGNUM.v0) * 16);
    else return refuse("unsupported", "this register cannot be written");
    return "done";
  }

  readMemory(_thread: ThreadId, address: bigint, into: Uint8Array): number | Promise<number> {
    if (this.#options.asynchronous === true)
      return Promise.resolve().then(() => this.#copyOut(address, into));
    return this.#copyOut(address, into);
  }

  writeMemory(_thread: ThreadId, address: bigint, bytes: Uint8Array): number {
    return this.#copyIn(address, bytes);
  }

  resume(plan: readonly ThreadResume[]): Outcome | Promise<Outcome> {
    this.log.push(`resume ${plan.map(({ thread, action }) => `${thread}:${describe(action)}`).join(" ")}`);
    this.#plan = plan;
    this.#status = { kind: "running" };
    if (this.#options.asynchronous === true) {
      setImmediate(() => this.#slice(++this.#generation, 20_000, true));
      return Promise.resolve("done");
    }
    this.#slice(++this.#generation, 2_000, true);
    return "done";
  }

  interrupt(): void {
    if (this.#status.kind === "running") this.#interrupted = true;
  }

  detach(): Outcome {
    this.log.push("detach");
    if (this.#status.kind === "stopped") {
      this.resume(this.#threads.map(({ id }) => ({ thread: id, action: { kind: "continue", signal: 0 } })));
    }
    return "done";
  }

  subscribe(listener: (event: TargetEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  offsets() {
    return { text: 0n, data: 0n, bss: 0n };
  }

  memoryMap() {
    return [{ type: "ram" as const, start: 0n, length: 0x1_0000_0000_0000n }];
  }

  memoryRegion(_thread: ThreadId, address: bigint) {
    const end = RAM_START + BigInt(RAM_BYTES);
    if (address < RAM_START) return { start: 0n, length: RAM_START, permissions: undefined };
    if (address >= end) return { start: end, length: 2n ** 64n - end, permissions: undefined };
    return { start: RAM_START, length: BigInt(RAM_BYTES), permissions: "rwx", name: "ram" };
  }

  #cpu(thread: ThreadId): TinyCpu {
    const cpu = this.cpus[thread - 1];
    if (cpu === undefined) throw new Error(`no vCPU ${thread}`);
    return cpu;
  }

  #load(): void {
    this.ram.fill(0);
    this.#reported.clear();
    this.ram.set(this.#program);
    this.cpus.forEach((cpu, index) => {
      Object.assign(cpu, newCpu());
      cpu.pc = index === 0 ? RAM_START : RAM_START + 0x100n;
      cpu.x[31] = RAM_START + BigInt(RAM_BYTES);
    });
  }

  #readRegister(thread: ThreadId, regnum: number, into: Uint8Array): Outcome {
    const cpu = this.#cpu(thread);
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    if (regnum <= ARM64_REGNUM.sp) view.setBigUint64(0, cpu.x[regnum] ?? 0n, true);
    else if (regnum === ARM64_REGNUM.pc) view.setBigUint64(0, cpu.pc, true);
    else if (regnum === ARM64_REGNUM.cpsr) view.setUint32(0, cpu.pstate, true);
    else if (regnum < ARM64_REGNUM.fpsr) {
      into.set(cpu.v.subarray((regnum - ARM64_REGNUM.v0) * 16, (regnum - ARM64_REGNUM.v0 + 1) * 16));
    } else if (regnum < ARM64_FIRST_SYSTEM_REGNUM) view.setUint32(0, 0, true);
    else if (regnum === ARM64_FIRST_SYSTEM_REGNUM + 2) view.setUint32(0, 0x410fd034, true);
    else view.setBigUint64(0, BigInt(regnum), true);
    return "done";
  }

  #copyOut(address: bigint, into: Uint8Array): number {
    const offset = ramOffset(address, 1);
    if (offset === undefined) return 0;
    const count = Math.min(into.length, RAM_BYTES - offset);
    into.set(this.ram.subarray(offset, offset + count));
    return count;
  }

  #copyIn(address: bigint, bytes: Uint8Array): number {
    const offset = ramOffset(address, 1);
    if (offset === undefined) return 0;
    const count = Math.min(bytes.length, RAM_BYTES - offset);
    this.ram.set(bytes.subarray(0, count), offset);
    return count;
  }

  #insert(request: BreakpointRequest): Outcome {
    const { kind, address, length } = request;
    const bytes = kind === "software" || kind === "hardware" ? 4 : length;
    if (ramOffset(address, bytes) === undefined) {
      return refuse("unmapped", `address 0x${address.toString(16)} is not mapped`);
    }
    const watchpoints = [...this.planted.values()].filter((other) => other.kind.startsWith("watch"));
    if (kind.startsWith("watch") && watchpoints.length === 4)
      return refuse("exhausted", "four watchpoints is all");
    this.log.push(`insert ${kind} 0x${address.toString(16)}`);
    this.planted.set(`${kind},${address},${length}`, request);
    return "done";
  }

  #watched(address: bigint, write: boolean): BreakpointRequest | undefined {
    for (const request of this.planted.values()) {
      if (!request.kind.startsWith("watch")) continue;
      if (request.kind === "watch-write" && !write) continue;
      if (request.kind === "watch-read" && write) continue;
      if (address < request.address + BigInt(request.length) && request.address < address + 8n)
        return request;
    }
    return undefined;
  }

  /** Whether the guest stops at a planted breakpoint: its conditions hold, after its commands have run. */
  #hits(thread: ThreadId, request: BreakpointRequest): boolean {
    const cpu = this.#cpu(thread);
    const context = {
      readRegister: (regnum: number) => {
        const bytes = new Uint8Array(16);
        this.#readRegister(thread, regnum, bytes);
        return new DataView(bytes.buffer).getBigUint64(0, true);
      },
      readMemory: (address: bigint, bytes: number) => {
        const value = new Uint8Array(8);
        if (this.#copyOut(address, value.subarray(0, bytes)) !== bytes) return undefined;
        return new DataView(value.buffer).getBigUint64(0, true);
      },
      print: (text: string) => this.#emit({ kind: "output", text }),
    };
    this.log.push(`hit 0x${cpu.pc.toString(16)}`);
    const holds = (bytecode: Uint8Array): boolean => {
      const result = evaluateAgentExpression(bytecode, context);
      // gdb: a condition that cannot be evaluated stops the guest, so that the user learns of it.
      return "error" in result || result.value !== 0n;
    };
    if (request.conditions.length > 0 && !request.conditions.some(holds)) return false;
    if (request.commands === undefined) return true;
    for (const expression of request.commands.expressions) evaluateAgentExpression(expression, context);
    return false;
  }

  #planted(cpu: TinyCpu): BreakpointRequest | undefined {
    return this.planted.get(`software,${cpu.pc},4`) ?? this.planted.get(`hardware,${cpu.pc},4`);
  }

  /** Runs up to `budget` instructions, all vCPUs in turn, and goes on later if nothing has stopped the guest. */
  #slice(generation: number, budget: number, first: boolean): void {
    for (let left = budget; left > 0; left--) {
      if (generation !== this.#generation || this.#status.kind !== "running") return;
      const event = this.#round(first && left === budget);
      if (event !== undefined) {
        this.#interrupted = false;
        this.#ended(event);
        return;
      }
    }
    setImmediate(() => this.#slice(generation, 20_000, false));
  }

  /** One instruction of every vCPU that runs. */
  #round(fresh: boolean): StopEvent | undefined {
    if (this.#interrupted) {
      return { kind: "stopped", thread: this.#plan[0]?.thread ?? 1, reason: { kind: "interrupt" } };
    }
    for (const { thread, action } of this.#plan) {
      if (action.kind === "stop") continue;
      const end = this.#step(thread, action, fresh);
      if (end === undefined) continue;
      return "status" in end ? end : { kind: "stopped", thread, reason: end };
    }
    return undefined;
  }

  /** One instruction of one vCPU. */
  #step(
    thread: ThreadId,
    action: ResumeAction,
    fresh: boolean,
  ): StopReason | Extract<StopEvent, { readonly kind: "exited" }> | undefined {
    const cpu = this.#cpu(thread);
    const planted = this.planted.size > 0 ? this.#planted(cpu) : undefined;
    const leaving = this.#reported.delete(thread) || (fresh && action.kind !== "continue");
    if (planted !== undefined && !leaving && this.#hits(thread, planted)) {
      this.#reported.add(thread);
      return { kind: "breakpoint", breakpoint: planted.kind === "hardware" ? "hardware" : "software" };
    }
    if (this.#options.history === true) this.#history.push(this.#snapshot());
    const exit = stepCpu(cpu, this.#memory);
    switch (exit.kind) {
      case "ok":
        break;
      case "off":
        return { kind: "exited", status: exit.status };
      case "brk":
        return { kind: "signal", signal: SIGTRAP, description: "BRK of the guest" };
      case "undefined":
        return { kind: "signal", signal: SIGILL, description: "undefined instruction" };
      case "abort":
        return { kind: "signal", signal: SIGSEGV, description: `abort at 0x${exit.address.toString(16)}` };
      case "watch": {
        const request = this.#watched(exit.address, exit.access === "write");
        const access = request?.kind === "watch-access" ? "access" : exit.access;
        // Inside of what is watched, although the access may begin before it.
        const below = request !== undefined && exit.address < request.address;
        return { kind: "watchpoint", access, address: below ? request.address : exit.address };
      }
    }
    const inRange = action.kind === "range-step" && cpu.pc >= action.start && cpu.pc < action.end;
    return action.kind === "continue" || inRange ? undefined : { kind: "step" };
  }

  #stopped(reason: StopReason, thread: ThreadId): void {
    this.#interrupted = false;
    this.#ended({ kind: "stopped", thread, reason });
  }

  #ended(event: StopEvent): void {
    this.#generation++;
    this.#status = event;
    this.#emit(event);
  }

  #emit(event: TargetEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #snapshot(): Snapshot {
    return {
      cpus: this.cpus.map(({ x, pc, pstate }) => ({ x: x.slice(), pc, pstate })),
      memory: this.ram.slice(0, 0x2000),
    };
  }

  #reverse(thread: ThreadId, kind: "continue" | "step"): Outcome {
    this.log.push(`reverse ${kind}`);
    this.#status = { kind: "running" };
    for (;;) {
      const snapshot = this.#history.pop();
      if (snapshot === undefined) {
        this.#stopped({ kind: "replay-log", edge: "begin" }, thread);
        return "done";
      }
      snapshot.cpus.forEach((saved, index) => {
        const cpu = this.cpus[index];
        cpu?.x.set(saved.x);
        Object.assign(cpu ?? {}, { pc: saved.pc, pstate: saved.pstate });
      });
      this.ram.set(snapshot.memory);
      const planted = this.#planted(this.#cpu(thread));
      if (kind === "step") {
        this.#stopped({ kind: "step" }, thread);
        return "done";
      }
      if (planted !== undefined) {
        this.#stopped({ kind: "breakpoint", breakpoint: "software" }, thread);
        return "done";
      }
    }
  }

  #kill(): Outcome {
    this.log.push("kill");
    this.#ended({ kind: "terminated", signal: 9 });
    return "done";
  }

  #restart(argv: readonly string[]): Outcome {
    this.log.push(`restart ${argv.join(" ")}`.trim());
    this.#load();
    this.#generation++;
    this.#status = {
      kind: "stopped",
      thread: 1,
      reason: { kind: "signal", signal: SIGTRAP, description: "reset" },
    };
    return "done";
  }

  #monitor(line: string, print: (text: string) => void, signal: AbortSignal): Outcome | Promise<Outcome> {
    switch (line) {
      case "help":
        print("help     this list\n");
        print("slow     prints later\n");
        return "done";
      case "slow":
        return new Promise((resolve) => {
          setImmediate(() => {
            print("first\n");
            setImmediate(() => {
              print("sécond\n");
              resolve("done");
            });
          });
        });
      case "wait":
        return new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            this.log.push("aborted");
            resolve(refuse("invalid", "interrupted"));
          });
        });
      case "throw":
        throw new Error("the machine is on fire");
      default:
        return refuse("invalid", `there is no command "${line}"`);
    }
  }
}

function describe(action: ResumeAction): string {
  switch (action.kind) {
    case "continue":
    case "step":
      return action.signal === 0 ? action.kind : `${action.kind}(${action.signal})`;
    case "range-step":
      return `range-step[${action.start.toString(16)},${action.end.toString(16)})`;
    case "stop":
      return "stop";
  }
}
