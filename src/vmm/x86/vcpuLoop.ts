import { KvmError } from "../../kvm/errors.ts";
import type { X86Exit } from "../../kvm/exits.ts";
import type { X86Vcpu, X86Vm } from "../../kvm/x86Vcpu.ts";
import type { Timeline } from "../timeline.ts";
import type { X86Stop } from "./stop.ts";

/** Milliseconds after which a vCPU in the program's thread is interrupted, so that the program has its turn. */
const tick = 2;

/** Milliseconds that the program's thread sleeps for the next exit before its event loop has its turn: exits come in bursts. */
const patience = 1;

/** Milliseconds after which vCPUs that nothing is heard of are looked at: whether they can ever go on. Doubled at each look. */
const look = { first: 5, most: 160 } as const;

const interruptFlag = 0x200n;

const idle: X86Stop = { kind: "idle" };

/** What the loop needs of its machine. */
export interface VcpuLoopClient {
  readonly vm: X86Vm;
  readonly timeline: Timeline;
  /** Nanoseconds since the machine was made. */
  now(): number;
  /** Handles an exit, which is to be read at once. @returns what is the caller's business */
  handle(vcpu: X86Vcpu, exit: X86Exit): X86Stop | undefined;
  /** What the guest has asked of the machine since this was asked last. */
  requested(): X86Stop | undefined;
}

/**
 * Runs the vCPUs of a machine. Each runs in a thread of its own; one whose every instruction is to be looked at (a single step, a
 * watchpoint that is made up for by steps), or whose thread has not started yet, has its turn in the calling thread. All exits are
 * handled in the calling thread.
 */
export class VcpuLoop {
  /** Called from the event loop when there is something to look at after `away`. */
  onNews: (() => void) | undefined;
  readonly #client: VcpuLoopClient;
  readonly #vm: X86Vm;
  readonly #news = (): void => this.onNews?.();
  #turn = 0;
  /** vCPUs in their threads that have not been heard since. */
  #away = 0;
  /** Nanosecond at which those that nothing is heard of are looked at, and the milliseconds from the last look to it. */
  #nextLook = 0;
  #lookAfter: number = look.first;
  /** The event loop is to be called back. */
  #resting = false;
  /** What could not be told when it came. */
  #held: X86Stop | undefined;

  constructor(client: VcpuLoopClient) {
    this.#client = client;
    this.#vm = client.vm;
  }

  /** A guest starts: the first vCPU has the first turn. */
  restart(): void {
    this.#turn = 0;
    this.#held = undefined;
  }

  /** Runs until something is the caller's business, at most `limit` nanoseconds. */
  advance(limit: number, standing: ReadonlySet<number> | undefined): X86Stop {
    const end = this.#client.now() + limit;
    this.#vm.interruptEvery(tick);
    this.#wakeUp();
    for (;;) {
      this.#client.timeline.runDue();
      const stop = this.#once(standing);
      if (stop !== undefined) return this.#leave(stop);
      if (this.#client.now() >= end) return { kind: "limit" };
    }
  }

  /**
   * Takes every vCPU out of the guest, with the instructions complete whose exits have been answered. What comes to light by that
   * comes again when it is run.
   */
  halt(): void {
    this.#wakeUp();
    const { vcpus } = this.#vm;
    if (this.#away > 0) {
      for (const vcpu of vcpus) vcpu.halt();
      for (const vcpu of vcpus) if (vcpu.hasReturned) this.#putBack(vcpu);
    }
    for (const vcpu of vcpus) this.#settle(vcpu);
  }

  #once(standing: ReadonlySet<number> | undefined): X86Stop | undefined {
    const stop = this.#heldBack() ?? this.#hear() ?? this.#client.requested() ?? this.#send(standing);
    if (stop !== undefined) return stop;
    const vcpu = this.#next(standing);
    if (vcpu !== undefined) return this.#take(vcpu, "run");
    if (this.#away === 0) return idle;
    return this.#vm.waitForReturn(patience) ? undefined : this.#rest();
  }

  #leave(stop: X86Stop): X86Stop {
    if (stop.kind === "away" || stop.kind === "idle") this.#vm.interruptEvery(0);
    if (stop.kind !== "away") this.#lookAfter = look.first;
    if (stop.kind !== "away") this.halt();
    return stop;
  }

  #wakeUp(): void {
    if (!this.#resting) return;
    this.#resting = false;
    this.#vm.onReturn(undefined);
  }

  #heldBack(): X86Stop | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held;
  }

  /** Handles the exits of vCPUs that have come back from their threads. */
  #hear(): X86Stop | undefined {
    if (this.#away === 0) return undefined;
    for (const vcpu of this.#vm.vcpus) {
      if (!vcpu.hasReturned) continue;
      this.#away--;
      const stop = this.#take(vcpu, "leave");
      if (stop !== undefined) return stop;
    }
    return undefined;
  }

  /** Sends vCPUs to their threads, and calls back those that are to stand. */
  #send(standing: ReadonlySet<number> | undefined): X86Stop | undefined {
    for (const vcpu of this.#vm.vcpus) {
      if (standing?.has(vcpu.id) === true) {
        if (this.#away > 0) vcpu.halt();
        continue;
      }
      if (vcpu.isAway || vcpu.hasReturned || vcpu.runsHere) continue;
      const stop = this.#take(vcpu, "enter");
      if (stop !== undefined) return stop;
      if (!vcpu.isAway && !vcpu.hasReturned) continue;
      if (this.#away++ === 0) this.#nextLook = this.#client.now() + this.#lookAfter * 1e6;
    }
    return undefined;
  }

  /** The vCPU in the calling thread whose turn it is, or the next that may run there. */
  #next(standing: ReadonlySet<number> | undefined): X86Vcpu | undefined {
    const { vcpus } = this.#vm;
    for (let i = 0; i < vcpus.length; i++) {
      const vcpu = vcpus[(this.#turn + i) % vcpus.length];
      if (vcpu === undefined || standing?.has(vcpu.id) === true) continue;
      if (vcpu.isAway || vcpu.hasReturned) continue;
      if (vcpus.length > 1 && vcpu.mpState === "STOPPED") continue;
      this.#turn = vcpu.id;
      return vcpu;
    }
    return undefined;
  }

  #take(vcpu: X86Vcpu, how: "run" | "enter" | "leave"): X86Stop | undefined {
    let exit: X86Exit | undefined;
    try {
      exit =
        how === "run" ? vcpu.run(Number.POSITIVE_INFINITY) : how === "enter" ? vcpu.enter() : vcpu.leave();
    } catch (error) {
      return failure(vcpu, error);
    }
    if (exit === undefined) return undefined;
    const stop = this.#client.handle(vcpu, exit);
    if (exit.reason !== "INTR") {
      this.#lookAfter = look.first;
      this.#nextLook = this.#client.now() + this.#lookAfter * 1e6;
    } else if (how === "run") {
      // It has run for a while: a thread is worth its start.
      this.#vm.startThreads();
      this.#turn = (this.#turn + 1) % this.#vm.vcpus.length;
      if (this.#away === 0 && this.#isOver()) return idle;
    }
    return stop;
  }

  /** Nothing has been heard for a while: the event loop's turn. */
  #rest(): X86Stop | undefined {
    if (this.#client.now() >= this.#nextLook) return this.#look();
    if (!this.#vm.onReturn(this.#news)) return undefined;
    this.#resting = true;
    const { next } = this.#client.timeline;
    return { kind: "away", until: next === undefined ? this.#nextLook : Math.min(next, this.#nextLook) };
  }

  #look(): X86Stop | undefined {
    for (const vcpu of this.#vm.vcpus) vcpu.halt();
    const stop = this.#hear();
    if (stop !== undefined) return stop;
    if (this.#away === 0 && this.#isOver()) return idle;
    this.#lookAfter = Math.min(2 * this.#lookAfter, look.most);
    return undefined;
  }

  /** No vCPU will ever run again: each waits to be started, or has halted with interrupts off. */
  #isOver(): boolean {
    return this.#vm.vcpus.every((vcpu) => {
      if (vcpu.mpState === "STOPPED") return true;
      return vcpu.mpState === "HALTED" && (vcpu.getRegs().rflags & interruptFlag) === 0n;
    });
  }

  /** Takes what a vCPU has come back with: what is the board's is done, the rest is for later. */
  #putBack(vcpu: X86Vcpu): void {
    this.#away--;
    try {
      const exit = vcpu.leave();
      if (exit === undefined) return;
      switch (exit.reason) {
        case "INTR":
          return;
        case "IO":
        case "MMIO":
          this.#client.handle(vcpu, exit);
          return;
        default:
          vcpu.putBack(exit);
      }
    } catch (error) {
      this.#held ??= failure(vcpu, error);
    }
  }

  #settle(vcpu: X86Vcpu): void {
    try {
      vcpu.settle();
    } catch (error) {
      this.#held ??= failure(vcpu, error);
    }
  }
}

/** @throws what is not the guest's or its KVM's fault */
function failure(vcpu: X86Vcpu, error: unknown): X86Stop {
  if (!(error instanceof KvmError)) throw error;
  return { kind: "failed", vcpu: vcpu.id, message: error.message };
}
