import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KvmExit } from "../../../../../src/kvm/exits.ts";
import { arm64Reg } from "../../../../../src/kvm/oneReg.ts";
import { type ComparatorSet, type GuestState, noComparators, notStepped, psr, pstateOf } from "./guest.ts";
import { control, type Situation, type SpecifiedExit, SpecifiedVcpu, situations } from "./hypervisor.ts";
import { type Instruction, instructions, registers } from "./instructions.ts";
import { at, constants, handlerMenu, menu, programLength } from "./menu.ts";
import { type Seen, Subject } from "./subject.ts";

/** What userspace does. */
type Action =
  | { readonly kind: "run"; readonly limit: number }
  | { readonly kind: "debug"; readonly control: number; readonly registers: number }
  | { readonly kind: "deliver" }
  | { readonly kind: "interrupt"; readonly level: boolean }
  | { readonly kind: "mdscr"; readonly value: bigint }
  | { readonly kind: "pstate"; readonly value: bigint }
  | { readonly kind: "pc"; readonly index: number };

/** What the guest has set up when the sequence begins. */
interface Start {
  readonly mdscr: bigint;
  readonly pstate: bigint;
  readonly comparators: number;
  readonly isLocked: boolean;
}

interface Sequence {
  readonly start: Start;
  readonly program: readonly number[];
  readonly handlers: readonly (readonly [number, readonly number[]])[];
  readonly actions: readonly Action[];
}

const { ENABLE, SINGLESTEP, USE_SW_BP, USE_HW } = control;
const controls = [
  0,
  ENABLE,
  ENABLE | USE_SW_BP,
  ENABLE | SINGLESTEP,
  ENABLE | SINGLESTEP,
  ENABLE | SINGLESTEP | USE_SW_BP,
  ENABLE | USE_HW,
  ENABLE | USE_HW | SINGLESTEP,
  SINGLESTEP | USE_HW,
];

/** Sets of registers that userspace uses. */
const hostSets: readonly ComparatorSet[] = [
  noComparators(),
  { ...noComparators(), bvr: [at.code + 0x14n, 0n, 0n, 0n, 0n, 0n], bcr: [0x1e7, 0, 0, 0, 0, 0] },
  {
    ...noComparators(),
    bvr: [at.code + 0x28n, at.code + 0x4n, 0n, 0n, 0n, 0n],
    bcr: [0x1e7, 0x1e7, 0, 0, 0, 0],
    wvr: [at.data, 0n, 0n, 0n],
    wcr: [0x1fff, 0, 0, 0],
  },
  { ...noComparators(), wvr: [0n, at.device, at.data, 0n], wcr: [0, 0x1fff, 0x9f, 0] },
];

/** Sets of registers that guests begin with. */
const guestSets: readonly ComparatorSet[] = [
  noComparators(),
  {
    ...noComparators(),
    bvr: [at.code + 0x14n, 0n, 0n, 0n, 0n, 0n],
    bcr: [0x1e7, 0, 0, 0, 0, 0],
    wvr: [at.data, 0n, 0n, 0n],
    wcr: [0x1fff, 0, 0, 0],
  },
  {
    ...noComparators(),
    bvr: [at.code + 0x28n, at.code + 0x8n, 0n, 0n, 0n, 0n],
    bcr: [0x1e5, 0x1e7, 0, 0, 0, 0],
    wvr: [at.device, 0n, at.data, 0n],
    wcr: [0x1fff, 0, 0x9d, 0],
  },
  // Linked to the context 0x55.
  {
    bvr: [0n, at.code + 0x14n, 0n, 0n, 0x55n, 0n],
    bcr: [0, 0x14_01e7, 0, 0, 0x30_0007, 0],
    wvr: [at.data, 0n, 0n, 0n],
    wcr: [0x14_1fff, 0, 0, 0],
  },
];

const monitorValues = [0n, 1n, 0x2001n, 0x8000n, 0xa000n, 0xa001n];
const stateValues = [0n, 0x20_0000n, 0x5n, 0x3c5n, 0x20_0005n, 0x20_03c5n, 0x10_0005n, 0x4n];

const start: fc.Arbitrary<Start> = fc.record({
  mdscr: fc.constantFrom(...monitorValues),
  pstate: fc.constantFrom(...stateValues),
  comparators: fc.nat(guestSets.length - 1),
  isLocked: fc.nat(9).map((n) => n === 9),
});

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant("run" as const), limit: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("debug" as const),
      control: fc.constantFrom(...controls),
      registers: fc.nat(hostSets.length - 1),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("deliver" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("interrupt" as const), level: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("mdscr" as const),
      value: fc.constantFrom(...monitorValues),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("pstate" as const),
      value: fc.constantFrom(...stateValues),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("pc" as const), index: fc.nat(programLength - 1) }),
  },
);

const sequence: fc.Arbitrary<Sequence> = fc.record({
  start,
  program: fc.array(fc.nat(menu.length - 1), { minLength: programLength, maxLength: programLength }),
  handlers: fc.array(
    fc.tuple(fc.nat(handlerMenu.length - 1), fc.array(fc.nat(menu.length - 1), { maxLength: 3 })),
    { minLength: 6, maxLength: 6 },
  ),
  actions: fc.array(action, { minLength: 8, maxLength: 40, size: "max" }),
});

const vectors = [0x000n, 0x080n, 0x200n, 0x280n, 0x400n, 0x480n];

/** The instructions of a sequence by address. */
function assemble({ program, handlers }: Sequence): {
  readonly program: readonly number[];
  readonly handlers: ReadonlyMap<bigint, readonly number[]>;
  readonly at: ReadonlyMap<bigint, Instruction>;
} {
  const byAddress = new Map<bigint, Instruction>();
  const place = (address: bigint, list: readonly Instruction[]): readonly number[] => {
    list.forEach((each, n) => {
      byAddress.set(address + BigInt(4 * n), each);
    });
    return list.map(({ word }) => word);
  };
  const chosen = (index: number): Instruction => menu[index] ?? instructions.nop();
  const code = place(at.code, program.map(chosen));
  byAddress.set(at.code + BigInt(4 * programLength), instructions.branch(-programLength));
  const words = new Map(
    vectors.map((offset, n): [bigint, readonly number[]] => {
      const [kind = 0, more = []] = handlers[n] ?? [];
      const list = [...more.map(chosen), ...(handlerMenu[kind] ?? []), instructions.eret()];
      return [at.vectors + offset, place(at.vectors + offset, list)];
    }),
  );
  return { program: code, handlers: words, at: byAddress };
}

function freshGuest(): GuestState {
  const x = Array.from({ length: 31 }, (_, n) => constants.get(n) ?? 0n);
  x[0] = 0x8400_0000n;
  return {
    x,
    pc: at.code,
    el: 1,
    spSel: 1,
    daif: psr.daif,
    il: false,
    ss: false,
    spsr: 0,
    elr: 0n,
    esr: 0,
    far: 0n,
    mdscr: 0,
    osLock: true,
    doubleLock: false,
    contextId: 0,
    comparators: noComparators(),
    exclusive: undefined,
    event: false,
    returned: false,
    memory: new Map(),
    stepped: notStepped,
  };
}

function seenOf(g: GuestState): Seen {
  const all: Record<string, bigint> = {};
  g.x.forEach((value, n) => {
    all[`x${n}`] = value;
  });
  all["pc"] = g.pc;
  all["pstate"] = BigInt(pstateOf(g));
  for (const [name, register] of Object.entries(registers))
    if (register.read !== undefined) all[name] = register.read(g);
  all["memory"] = g.memory.get(at.data) ?? 0n;
  return all;
}

function sameExit(actual: KvmExit, expected: SpecifiedExit): boolean {
  if (actual.reason !== expected.reason) return false;
  switch (expected.reason) {
    case "INTR":
      return true;
    case "HALTED":
      return actual.reason === "HALTED" && actual.until === expected.until;
    case "MMIO":
      return (
        actual.reason === "MMIO" &&
        actual.address === expected.address &&
        actual.isWrite === expected.isWrite &&
        (!actual.isWrite || actual.data === expected.data)
      );
    case "DEBUG":
      return (
        actual.reason === "DEBUG" &&
        actual.arch.hsr === expected.hsr &&
        (expected.far.length === 0 || expected.far.includes(actual.arch.far))
      );
  }
}

/** One userspace with its vCPU, and the specification beside it. */
class Comparison {
  readonly #subject: Subject;
  readonly #model: SpecifiedVcpu;
  readonly #text: string[] = [];
  readonly #instructionAt: (pc: bigint) => Instruction | undefined;
  #last: Extract<KvmExit, { reason: "DEBUG" }> | undefined;
  #awaits = false;

  constructor(subject: Subject, sequence: Sequence, note: (situation: Situation) => void) {
    const { program, handlers, at: byAddress } = assemble(sequence);
    this.#subject = subject;
    subject.begin(program, handlers);
    const udf = instructions.udf();
    this.#instructionAt = (pc) => byAddress.get(pc) ?? udf;
    const layout = { vbar: at.vectors, device: at.device, ramBegin: 0x4000_0000n, ramEnd: 0x4080_0000n };
    const guest = freshGuest();
    this.#model = new SpecifiedVcpu(guest, layout, this.#instructionAt, note);
    this.#begin(sequence.start);
  }

  /** Userspace sets the guest up as if it had done so itself. */
  #begin({ mdscr, pstate, comparators, isLocked }: Start): void {
    const g = this.#model.guest;
    const set = guestSets[comparators] ?? noComparators();
    g.osLock = isLocked;
    this.#subject.write("OSLSR_EL1", isLocked ? 10n : 8n);
    for (const n of [0, 1, 4]) {
      g.comparators.bvr[n] = set.bvr[n] ?? 0n;
      g.comparators.bcr[n] = set.bcr[n] ?? 0;
      this.#subject.write(`DBGBVR${n}_EL1`, set.bvr[n] ?? 0n);
      this.#subject.write(`DBGBCR${n}_EL1`, BigInt(set.bcr[n] ?? 0));
    }
    for (const n of [0, 1, 2]) {
      g.comparators.wvr[n] = set.wvr[n] ?? 0n;
      g.comparators.wcr[n] = set.wcr[n] ?? 0;
      this.#subject.write(`DBGWVR${n}_EL1`, set.wvr[n] ?? 0n);
      this.#subject.write(`DBGWCR${n}_EL1`, BigInt(set.wcr[n] ?? 0));
    }
    g.contextId = 0x55;
    this.#subject.write("CONTEXTIDR_EL1", 0x55n);
    this.perform({ kind: "mdscr", value: mdscr });
    this.perform({ kind: "pstate", value: pstate });
  }

  perform(action: Action): void {
    const [subject, model] = [this.#subject, this.#model];
    const g = model.guest;
    this.#text.push(
      JSON.stringify(action, (_, value) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value)),
    );
    switch (action.kind) {
      case "run":
        this.#run(action.limit);
        break;
      case "debug": {
        const set = hostSets[action.registers] ?? noComparators();
        subject.setGuestDebug(action.control, set);
        model.setGuestDebug(action.control, set);
        break;
      }
      case "deliver": {
        const last = this.#last;
        if (last === undefined || this.#awaits) return;
        subject.deliver(last.arch.hsr, last.arch.far);
        model.deliver(last.arch.hsr, last.arch.far);
        this.#last = undefined;
        break;
      }
      case "interrupt":
        subject.interrupt = action.level;
        model.interrupt = action.level;
        break;
      case "mdscr":
        if (this.#awaits) return;
        subject.write("MDSCR_EL1", action.value);
        g.mdscr = Number(action.value);
        break;
      case "pstate": {
        if (this.#awaits) return;
        const value = Number(action.value);
        subject.vcpu.setOneReg(arm64Reg.pstate, action.value);
        g.el = (value & 4) === 0 ? 0 : 1;
        g.spSel = (value & 1) === 0 ? 0 : 1;
        g.daif = value & psr.daif;
        g.ss = (value & psr.ss) !== 0;
        g.il = (value & psr.il) !== 0;
        break;
      }
      case "pc":
        if (this.#awaits) return;
        g.pc = at.code + BigInt(4 * action.index);
        subject.vcpu.setOneReg(arm64Reg.pc, g.pc);
        break;
    }
    this.#compare();
  }

  #run(limit: number): void {
    const [subject, model] = [this.#subject, this.#model];
    if (this.#awaits) {
      subject.vcpu.completeMmio(0x1234n);
      model.completeMmio(0x1234n);
      this.#awaits = false;
    }
    const pc = model.guest.pc;
    const begin = subject.now;
    const actual = subject.run(limit);
    const expected = model.run(limit);
    this.#text.push(`  from 0x${pc.toString(16)} ${this.#instructionAt(pc)?.text}: ${shown(actual)}`);
    if (!sameExit(actual, expected))
      this.#fail(`the exit is ${shown(actual)}, specified is ${shown(expected)}`);
    // S3.1, S3.4: never 0, and in the end the host's.
    const writes = subject.mdcrWrites;
    if (writes.includes(0) || (writes.at(-1) ?? 6) !== 6)
      this.#fail(`MDCR_EL2 was written ${writes.join(", ")}`);
    if (subject.now - begin !== model.count)
      this.#fail(`it took ${subject.now - begin} instructions, specified are ${model.count}`);
    this.#last = actual.reason === "DEBUG" ? actual : undefined;
    this.#awaits = actual.reason === "MMIO";
  }

  #compare(): void {
    const [actual, expected] = [this.#subject.seen, seenOf(this.#model.guest)];
    for (const name of Object.keys(expected))
      if (actual[name] !== expected[name])
        this.#fail(
          `${name} is 0x${actual[name]?.toString(16)}, specified is 0x${expected[name]?.toString(16)}`,
        );
    const { debug } = this.#subject.vcpu;
    const { owners } = this.#model;
    if (!owners.includes(debug.owner))
      this.#fail(`owner is ${debug.owner}, specified ${owners.join(" or ")}`);
    const mdcr = this.#model.mdcr(debug.owner);
    if (debug.mdcr !== mdcr)
      this.#fail(`MDCR_EL2 is 0x${debug.mdcr.toString(16)}, specified 0x${mdcr.toString(16)}`);
    const step = this.#model.stepping
      ? this.#model.hostPending
        ? "active-pending"
        : "active-not-pending"
      : "inactive";
    if (debug.stepState !== step)
      this.#fail(`userspace's step machine is ${debug.stepState}, specified ${step}`);
  }

  #fail(what: string): never {
    throw new Error(`${what}\n${this.#text.join("\n")}`);
  }
}

function shown(exit: KvmExit | SpecifiedExit): string {
  return JSON.stringify(exit, (_, value) =>
    typeof value === "bigint" || typeof value === "number" ? `0x${value.toString(16)}` : value,
  );
}

const sequences = 10_000;
/** How often each situation must have come up, so that agreement means something. */
const least = 10;

/** The interpreter has all sequences; the others a part: code that is compiled when it is first reached takes its time. */
const subjects = [
  { name: "the interpreter", engine: { mode: "interpreter" }, vhe: true, share: 1 },
  { name: "the interpreter without VHE", engine: { mode: "interpreter" }, vhe: false, share: 0.1 },
  { name: "compiled regions", engine: { mode: "jit", heat: 1 }, vhe: true, share: 0.1 },
] as const;

describe.each(subjects)("host and guest debugging as specified, on $name", ({ engine, vhe, share }) => {
  const subject = new Subject({ engine, vhe });

  it(`in ${sequences * share} random interleavings`, { timeout: 300_000 }, () => {
    const seed = Number(process.env["MODEL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const met = new Map<Situation, number>(situations.map((each) => [each, 0]));
    const note = (situation: Situation): void => {
      met.set(situation, (met.get(situation) ?? 0) + 1);
    };
    // A failure prints the seed.
    fc.assert(
      fc.property(sequence, (each) => {
        const comparison = new Comparison(subject, each, note);
        for (const action of each.actions) comparison.perform(action);
      }),
      { seed, numRuns: Number(process.env["MODEL_SEQUENCES"] ?? sequences) * share },
    );
    if (process.env["MODEL_SEED"] !== undefined) console.log(met);
    if (share < 1) return;
    const rare = [...met].filter(([, times]) => times < least).map(([situation]) => situation);
    expect(rare, `seed ${seed}`).toEqual([]);
  });
});
