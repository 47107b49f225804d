import { a64Encodings } from "../../../../src/isa/arm64/decode.ts";
import type { Encoding } from "../../../../src/isa/encoding.ts";
import { atomicCases } from "./atomicCases.ts";
import { baseCases } from "./baseCases.ts";
import { loadStoreCases } from "./loadStoreCases.ts";
import type { TestMachine } from "./machine.ts";
import type { Random } from "./random.ts";
import { dataWindows, layout, type TestState } from "./state.ts";
import { structureCases, vectorCases } from "./vectorCases.ts";
import { type FieldChoice, randomWord } from "./words.ts";

/** Has the TLBs hold most pages of the data windows, some of them for reading only, and forget the rest. */
export function warmTlb(machine: TestMachine, random: Random): void {
  machine.flush(true);
  for (const { address, size } of dataWindows) {
    for (let page = address; page < address + BigInt(size); page += 0x1000n) {
      for (const context of [0, 1] as const) {
        if (random.oneIn(24)) continue;
        const rights = { read: true, write: !random.oneIn(24), strict: random.oneIn(4), asid: -1 };
        machine.map(page, rights, context);
      }
    }
  }
  if (random.oneIn(16)) machine.flush(false);
}

/** General registers that hold addresses of the data window when a sequence starts; SP does, too. */
const pointers = [0, 1, 2, 3];
/** General registers that hold small offsets. */
const offsets = [4, 5, 6, 7];

/** Points the registers above into the data window. */
export function pointRegisters(state: TestState, random: Random): void {
  const middle = layout.data.address + 0x2000n;
  for (const n of pointers) {
    const scale = random.oneIn(16) ? 1 : 16;
    state.setX(n, middle + BigInt((random.below(0x100) - 0x80) * scale));
  }
  for (const n of offsets) state.setX(n, BigInt((random.below(64) - 32) * (random.oneIn(8) ? 1 : 16)));
}

/** A few registers, so that instructions of a sequence meet; now and then any, the pointers among them. */
const anyRegister: FieldChoice = (random) =>
  random.oneIn(16) ? random.below(32) : random.oneIn(10) ? 31 : 8 + random.below(8);

const registers: Readonly<Record<string, FieldChoice>> = Object.fromEntries(
  ["Rd", "Rn", "Rm", "Ra", "Rt", "Rt2", "Rs"].map((name) => [name, anyRegister]),
);

const memoryFields: Readonly<Record<string, FieldChoice>> = {
  ...registers,
  Rn: (random) => (random.oneIn(32) ? anyRegister(random) : random.oneIn(4) ? 31 : random.pick(pointers)),
  Rm: (random) => (random.oneIn(24) ? anyRegister(random) : random.pick(offsets)),
  imm12: (random) => random.below(128),
  // Mostly a multiple of 16: misaligned accesses leave the region.
  imm9: (random) => (random.oneIn(8) ? random.below(0x200) : random.below(0x20) * 16),
  imm19: (random) => (random.oneIn(16) ? 0x300 : 0x420) + random.below(0x300),
};

/** Conditional branches go a few instructions away, mostly forward. */
const branchFields: Readonly<Record<string, FieldChoice>> = {
  ...registers,
  imm26: (random) => (random.below(24) - 4) & 0x3ff_ffff,
  imm19: (random) => (random.below(24) - 4) & 0x7_ffff,
  imm14: (random) => (random.below(24) - 4) & 0x3fff,
};

const names = (cases: readonly { readonly encoding: string }[]): ReadonlySet<string> =>
  new Set(cases.map(({ encoding }) => encoding));

const branches = /^(B|BL|B_cond|CBZ|CBNZ|TBZ|TBNZ|BR|BLR|RET)$/;
const conditional = /^(ADDS|SUBS|ANDS|BICS|ADCS?|SBCS?|CCM[NP]|CSEL|CSIN[CV]|CSNEG|B_cond)(_|$)/;
const memory = names([...loadStoreCases, ...atomicCases, ...structureCases]);
const base = names(baseCases);
const vector = names(vectorCases);

type Fields = Readonly<Record<string, FieldChoice>>;

/** What sequences are made of: every form, in classes with the part of the instructions each should have. */
const classes: readonly {
  readonly parts: number;
  readonly calmParts: number;
  readonly fields: Fields;
  readonly forms: readonly Encoding[];
}[] = [
  {
    parts: 12,
    calmParts: 2,
    fields: memoryFields,
    forms: a64Encodings.filter(({ name }) => memory.has(name)),
  },
  {
    parts: 10,
    calmParts: 20,
    fields: registers,
    forms: a64Encodings.filter(({ name }) => base.has(name) && !branches.test(name)),
  },
  {
    parts: 8,
    calmParts: 16,
    fields: branchFields,
    forms: a64Encodings.filter(({ name }) => conditional.test(name)),
  },
  {
    parts: 1,
    calmParts: 0,
    fields: branchFields,
    forms: a64Encodings.filter(({ name }) => branches.test(name)),
  },
  {
    parts: 6,
    calmParts: 8,
    fields: registers,
    forms: a64Encodings.filter(({ name }) => vector.has(name)),
  },
  {
    parts: 1,
    calmParts: 0,
    fields: registers,
    forms: a64Encodings.filter(({ name }) => !base.has(name) && !memory.has(name) && !vector.has(name)),
  },
];
/** What a sequence is made of, from more of what stays inside a region to more of what may leave it. */
export type Mixture = "calm" | "mixed";

function chooseClass(mixture: Mixture, random: Random): (typeof classes)[number] {
  const weights = classes.map(({ parts, calmParts }) => (mixture === "calm" ? calmParts : parts));
  let at = random.below(weights.reduce((sum, weight) => sum + weight, 0));
  const chosen = classes.find((_, i) => {
    at -= weights[i] ?? 0;
    return at < 0;
  });
  if (chosen === undefined) throw new RangeError("no class has parts");
  return chosen;
}

/** A random instruction for a sequence. */
export function sequenceWord(mixture: Mixture, random: Random): number {
  const { forms, fields } = chooseClass(mixture, random);
  return randomWord(random.pick(forms), fields, random).word;
}
