import { a64 } from "../../../../cpu/arm64/support/assembler.ts";
import type { Access, GuestState } from "./guest.ts";
import { enabledHere, exceptionReturn, monitor, notStepped, psr, type stepState } from "./guest.ts";

/** What an instruction does when nothing comes before it. */
export type Outcome =
  /** It has been executed; the state is as after it, PC included. */
  | { readonly kind: "done"; readonly ex?: boolean }
  /** An exception to EL1; `executed`: it counts as executed (SVC). */
  | { readonly kind: "exception"; readonly ec: number; readonly iss: number; readonly executed?: boolean }
  | { readonly kind: "breakpoint-instruction"; readonly iss: number }
  | { readonly kind: "mmio"; readonly address: bigint; readonly isWrite: boolean; readonly data: bigint }
  | { readonly kind: "hypercall" }
  | { readonly kind: "wait"; readonly until: "interrupt" | "event" };

/** What an instruction may ask its surroundings. */
export interface Surroundings {
  readonly interruptAsserted: boolean;
  readonly device: bigint;
  /** The machine's answer to the read that this instruction waits for. */
  readonly answer: bigint | undefined;
}

export interface Instruction {
  readonly text: string;
  readonly word: number;
  /** The memory access that is watched, if there is one. */
  readonly access?: (g: GuestState, s: Surroundings) => Access | undefined;
  readonly execute: (g: GuestState, s: Surroundings) => Outcome;
}

const done: Outcome = { kind: "done" };
const undefinedHere: Outcome = { kind: "exception", ec: 0, iss: 0 };
const step = (g: GuestState): Outcome => {
  g.pc += 4n;
  return done;
};
const readX = (g: GuestState, n: number): bigint => (n === 31 ? 0n : (g.x[n] ?? 0n));
const writeX = (g: GuestState, n: number, value: bigint): void => {
  if (n !== 31) g.x[n] = BigInt.asUintN(64, value);
};

interface Register {
  readonly encoding: string;
  readonly read?: (g: GuestState) => bigint;
  readonly write?: (g: GuestState, value: bigint) => void;
}

const comparator = (kind: "bvr" | "bcr" | "wvr" | "wcr", n: number): Register => {
  const op2 = { bvr: 4, bcr: 5, wvr: 6, wcr: 7 }[kind];
  const encoding = `2 0 0 ${n} ${op2}`;
  if (kind === "bvr" || kind === "wvr")
    return {
      encoding,
      read: (g) => g.comparators[kind][n] ?? 0n,
      write: (g, value) => {
        // A breakpoint's value may be a context, a watchpoint's is an address.
        g.comparators[kind][n] = kind === "bvr" ? value : value & ~3n;
      },
    };
  const fields = kind === "bcr" ? 0x00ff_e1e7 : 0x1f1f_ffff;
  return {
    encoding,
    read: (g) => BigInt(g.comparators[kind][n] ?? 0),
    write: (g, value) => {
      g.comparators[kind][n] = Number(value & 0xffff_ffffn) & fields;
    },
  };
};

/** The registers that the programs read and write. */
export const registers: Readonly<Record<string, Register>> = {
  MDSCR_EL1: {
    encoding: "2 0 0 2 2",
    read: (g) => BigInt(g.mdscr),
    write: (g, value) => {
      g.mdscr = Number(value) & (monitor.SS | monitor.KDE | monitor.MDE);
    },
  },
  OSLAR_EL1: {
    encoding: "2 0 1 0 4",
    write: (g, value) => {
      g.osLock = (value & 1n) !== 0n;
    },
  },
  OSLSR_EL1: { encoding: "2 0 1 1 4", read: (g) => (g.osLock ? 10n : 8n) },
  OSDLR_EL1: {
    encoding: "2 0 1 3 4",
    read: (g) => (g.doubleLock ? 1n : 0n),
    write: (g, value) => {
      g.doubleLock = (value & 1n) !== 0n;
    },
  },
  SPSR_EL1: {
    encoding: "3 0 4 0 0",
    read: (g) => BigInt(g.spsr >>> 0),
    write: (g, value) => {
      g.spsr = Number(value & 0xf030_03dfn) | 0;
    },
  },
  ELR_EL1: {
    encoding: "3 0 4 0 1",
    read: (g) => g.elr,
    write: (g, value) => {
      g.elr = value;
    },
  },
  ESR_EL1: { encoding: "3 0 5 2 0", read: (g) => BigInt(g.esr) },
  FAR_EL1: { encoding: "3 0 6 0 0", read: (g) => g.far },
  CONTEXTIDR_EL1: {
    encoding: "3 0 13 0 1",
    read: (g) => BigInt(g.contextId),
    write: (g, value) => {
      g.contextId = Number(value & 0xffff_ffffn);
    },
  },
  ...Object.fromEntries(
    (["bvr", "bcr", "wvr", "wcr"] as const).flatMap((kind) =>
      (kind.startsWith("b") ? [0, 1, 4] : [0, 1, 2]).map((n) => [
        `DBG${kind.toUpperCase()}${n}_EL1`,
        comparator(kind, n),
      ]),
    ),
  ),
};

const atEl1 =
  (effect: (g: GuestState) => Outcome) =>
  (g: GuestState): Outcome =>
    g.el === 0 ? undefinedHere : effect(g);

const memoryAt = (g: GuestState, address: bigint): bigint => g.memory.get(address) ?? 0n;

/** Loads and stores of eight bytes at the address in Xn, which is in memory or the device. */
function transfer(
  text: string,
  word: number,
  t: number,
  n: number,
  write: boolean,
  unprivileged = false,
): Instruction {
  return {
    text,
    word,
    access: (g) => ({ address: readX(g, n), bytes: 8, write, el: unprivileged ? 0 : g.el }),
    execute: (g, s) => {
      const address = readX(g, n);
      if (address === s.device) {
        if (s.answer === undefined)
          return { kind: "mmio", address, isWrite: write, data: write ? readX(g, t) : 0n };
        if (!write) writeX(g, t, s.answer);
      } else if (write) g.memory.set(address, readX(g, t));
      else writeX(g, t, memoryAt(g, address));
      return step(g);
    },
  };
}

const daif = (
  text: string,
  word: number,
  op2: number,
  imm: number,
  change: (g: GuestState) => void,
): Instruction => ({
  text,
  word,
  execute: (g) => {
    if (g.el === 0)
      // SCTLR_EL1.UMA is 0: op1 = 3, CRn = 4, Rt = 31.
      return {
        kind: "exception",
        ec: 0x18,
        iss: (op2 << 17) | (3 << 14) | (4 << 10) | (31 << 5) | (imm << 1),
      };
    change(g);
    return step(g);
  },
});

/** The instructions that programs are made of, by name. */
export const instructions = {
  nop: (): Instruction => ({ text: "nop", word: a64.nop, execute: step }),
  add: (n: number): Instruction => ({
    text: `add x${n}, x${n}, #1`,
    word: a64.addImm(n, n, 1),
    execute: (g) => {
      writeX(g, n, readX(g, n) + 1n);
      return step(g);
    },
  }),
  skip: (n: number): Instruction => ({
    text: `add x${n}, x${n}, #4`,
    word: a64.addImm(n, n, 4),
    execute: (g) => {
      writeX(g, n, readX(g, n) + 4n);
      return step(g);
    },
  }),
  branch: (distance: number): Instruction => ({
    text: `b ${distance}`,
    word: a64.b(distance),
    execute: (g) => {
      g.pc += BigInt(distance * 4);
      return done;
    },
  }),
  svc: (): Instruction => ({
    text: "svc #7",
    word: a64.svc(7),
    execute: () => ({ kind: "exception", ec: 0x15, iss: 7, executed: true }),
  }),
  brk: (): Instruction => ({
    text: "brk #9",
    word: a64.brk(9),
    execute: () => ({ kind: "breakpoint-instruction", iss: 9 }),
  }),
  udf: (): Instruction => ({ text: "udf", word: a64.udf, execute: () => undefinedHere }),
  eret: (): Instruction => ({
    text: "eret",
    word: a64.eret,
    execute: atEl1((g) => {
      exceptionReturn(g);
      return done;
    }),
  }),
  hvc: (): Instruction => ({ text: "hvc", word: a64.hvc(0), execute: atEl1(() => ({ kind: "hypercall" })) }),
  wfi: (): Instruction => ({
    text: "wfi",
    word: a64.wfi,
    execute: (g, s) => (s.interruptAsserted ? step(g) : { kind: "wait", until: "interrupt" }),
  }),
  wfe: (): Instruction => ({
    text: "wfe",
    word: a64.wfe,
    execute: (g, s) => {
      const wakes = g.event || (s.interruptAsserted && (g.daif & psr.i) === 0);
      if (!wakes) return { kind: "wait", until: "event" };
      g.event = false;
      return step(g);
    },
  }),
  load: (t: number, n: number) => transfer(`ldr x${t}, [x${n}]`, a64.ldr(t, n), t, n, false),
  store: (t: number, n: number) => transfer(`str x${t}, [x${n}]`, a64.str(t, n), t, n, true),
  loadUnprivileged: (t: number, n: number) =>
    transfer(`ldtr x${t}, [x${n}]`, a64.ldtr(t, n), t, n, false, true),
  loadExclusive: (t: number, n: number): Instruction => ({
    text: `ldxr x${t}, [x${n}]`,
    word: a64.ldxr(t, n),
    access: (g) => ({ address: readX(g, n), bytes: 8, write: false, el: g.el }),
    execute: (g) => {
      g.exclusive = readX(g, n);
      writeX(g, t, memoryAt(g, readX(g, n)));
      g.pc += 4n;
      return { kind: "done", ex: true };
    },
  }),
  storeExclusive: (s: number, t: number, n: number): Instruction => ({
    text: `stxr w${s}, x${t}, [x${n}]`,
    word: a64.stxr(s, t, n),
    access: (g) =>
      g.exclusive === readX(g, n) ? { address: readX(g, n), bytes: 8, write: true, el: g.el } : undefined,
    execute: (g) => {
      const holds = g.exclusive === readX(g, n);
      if (holds) g.memory.set(readX(g, n), readX(g, t));
      g.exclusive = undefined;
      writeX(g, s, holds ? 0n : 1n);
      return step(g);
    },
  }),
  maskDebug: () =>
    daif("msr daifset, #8", a64.daifSet(8), 6, 8, (g) => {
      g.daif |= psr.d;
    }),
  unmask: (imm: number) =>
    daif(`msr daifclr, #${imm}`, a64.daifClear(imm), 7, imm, (g) => {
      g.daif &= ~(imm << 6);
    }),
  read: (t: number, name: string): Instruction => {
    const register = registers[name];
    if (register?.read === undefined) throw new RangeError(name);
    const { encoding, read } = register;
    return {
      text: `mrs x${t}, ${name}`,
      word: a64.mrs(t, encoding),
      execute: atEl1((g) => {
        writeX(g, t, read(g));
        return step(g);
      }),
    };
  },
  write: (name: string, t: number): Instruction => {
    const register = registers[name];
    if (register?.write === undefined) throw new RangeError(name);
    const { encoding, write } = register;
    return {
      text: `msr ${name}, x${t}`,
      word: a64.msr(encoding, t),
      execute: atEl1((g) => {
        write(g, readX(g, t));
        return step(g);
      }),
    };
  },
} as const;

/** SSAdvance, and what a step exception will say: `before` is the guest's own machine before the instruction. */
export function advance(g: GuestState, before: ReturnType<typeof stepState>, ex: boolean): void {
  if (before === "active-not-pending") g.ss = false;
  g.stepped = before === "active-not-pending" ? { isv: true, ex } : notStepped;
}

export { enabledHere };
