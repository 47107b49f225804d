import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Gicv3 } from "../../../src/machine/gic/gicv3.ts";
import { ICC } from "../../../src/machine/gic/gicv3Registers.ts";
import { systemRegister } from "../../../src/machine/interruptController.ts";
import { Guest, runOnQemu } from "./guest.ts";
import { hasQemu } from "./qtest.ts";

const GICD = 0x800_0000n;
const GICR = 0x80a_0000n;
/** Which interrupts the CPU sees: I in bit 7, F in bit 6, whatever it masks. */
const ISR_EL1 = systemRegister(3, 0, 12, 1, 0);
/** Registers of the guest that keep the last INTIDs it acknowledged. */
const KEPT = 8;
const FIRST_KEPT = 16;

/** SGIs 0–7 in group 1, 8–15 in group 0: QEMU and KVM differ in whether ICC_SGI1R_EL1 reaches group 0. */
const SGI_GROUPS = 0xffn;

type Step =
  | { readonly kind: "msr"; readonly name: keyof typeof ICC; readonly value: bigint }
  | { readonly kind: "acknowledge"; readonly group: 0 | 1; readonly keep: number }
  | { readonly kind: "end"; readonly group: 0 | 1; readonly keep: number }
  | { readonly kind: "deactivate"; readonly keep: number }
  | { readonly kind: "mmio"; readonly address: bigint; readonly size: 1 | 4; readonly value: bigint };

const msr = (name: keyof typeof ICC, value: fc.Arbitrary<bigint>): fc.Arbitrary<Step> =>
  value.map((v) => ({ kind: "msr", name, value: v }));
const mmio = (address: fc.Arbitrary<bigint>, size: 1 | 4, value: fc.Arbitrary<bigint>): fc.Arbitrary<Step> =>
  fc.tuple(address, value).map(([a, v]) => ({ kind: "mmio", address: a, size, value: v }));
const small = (max: bigint) => fc.bigInt({ min: 0n, max });
/** In steps of 8: QEMU's distributor keeps 8 priority bits, ours the 5 that the CPU interface has. */
const priority = small(31n).map((step) => step * 8n);
const word = small(0xffff_ffffn);
const group = fc.constantFrom(0 as const, 1 as const);
const keep = fc.nat(KEPT - 1);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("acknowledge" as const), group, keep }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("end" as const), group, keep }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("deactivate" as const), keep }) },
  {
    weight: 3,
    arbitrary: msr(
      "SGI1R_EL1",
      small(7n).map((intid) => (intid << 24n) | 1n),
    ),
  },
  {
    weight: 3,
    arbitrary: msr(
      "SGI0R_EL1",
      small(7n).map((intid) => ((intid + 8n) << 24n) | 1n),
    ),
  },
  { weight: 1, arbitrary: msr("PMR_EL1", small(0xffn)) },
  { weight: 1, arbitrary: msr("BPR0_EL1", small(7n)) },
  { weight: 1, arbitrary: msr("BPR1_EL1", small(7n)) },
  { weight: 1, arbitrary: msr("CTLR_EL1", small(3n)) },
  { weight: 1, arbitrary: msr("SRE_EL1", small(7n)) },
  {
    weight: 4,
    arbitrary: mmio(
      small(31n).map((intid) => GICR + 0x1_0400n + intid),
      1,
      priority,
    ),
  },
  {
    weight: 4,
    arbitrary: mmio(
      small(31n).map((intid) => GICD + 0x420n + intid),
      1,
      priority,
    ),
  },
  { weight: 1, arbitrary: mmio(fc.constant(GICD + 0x84n), 4, word) },
  {
    weight: 1,
    arbitrary: mmio(
      fc.constant(GICR + 0x1_0080n),
      4,
      word.map((bits) => (bits & 0xffff_0000n) | SGI_GROUPS),
    ),
  },
  { weight: 2, arbitrary: mmio(fc.constantFrom(GICR + 0x1_0200n, GICD + 0x204n), 4, word) },
  { weight: 1, arbitrary: mmio(fc.constantFrom(GICR + 0x1_0280n, GICD + 0x284n), 4, word) },
);

/** Everything on and enabled, half the interrupts in group 1, so that the steps meet something. */
const START: readonly Step[] = [
  { kind: "mmio", address: GICR + 0x14n, size: 4, value: 0n },
  { kind: "mmio", address: GICD, size: 4, value: 3n },
  { kind: "mmio", address: GICR + 0x1_0080n, size: 4, value: 0xaaaa_0000n | SGI_GROUPS },
  { kind: "mmio", address: GICD + 0x84n, size: 4, value: 0xffff_5555n },
  { kind: "mmio", address: GICR + 0x1_0100n, size: 4, value: 0xffff_ffffn },
  { kind: "mmio", address: GICD + 0x104n, size: 4, value: 0xffff_ffffn },
  { kind: "msr", name: "SRE_EL1", value: 7n },
  { kind: "msr", name: "PMR_EL1", value: 0xf8n },
  { kind: "msr", name: "IGRPEN0_EL1", value: 1n },
  { kind: "msr", name: "IGRPEN1_EL1", value: 1n },
];

const LOOKS: readonly (keyof typeof ICC)[] = [
  "PMR_EL1",
  "BPR0_EL1",
  "BPR1_EL1",
  "AP0R0_EL1",
  "AP1R0_EL1",
  "RPR_EL1",
  "HPPIR0_EL1",
  "HPPIR1_EL1",
  "SRE_EL1",
];

const pick = (keepAt: number) => FIRST_KEPT + keepAt;
const IAR = [ICC.IAR0_EL1, ICC.IAR1_EL1] as const;
const EOIR = [ICC.EOIR0_EL1, ICC.EOIR1_EL1] as const;

function program(steps: readonly Step[]): Uint8Array {
  const guest = new Guest();
  for (let at = 0; at < KEPT; at += 1) guest.set(pick(at), 1023n);
  for (const s of steps) {
    if (s.kind === "msr") guest.set(2, s.value).msr(ICC[s.name], 2);
    else if (s.kind === "mmio") guest.store(s.address, s.value, s.size);
    else if (s.kind === "acknowledge") guest.mrs(pick(s.keep), IAR[s.group]).show(pick(s.keep));
    else guest.msr(s.kind === "end" ? EOIR[s.group] : ICC.DIR_EL1, pick(s.keep));
    guest.mrs(2, ISR_EL1).show(2);
    for (const name of LOOKS) guest.mrs(2, ICC[name]).show(2);
  }
  return guest.bytes();
}

function ours(steps: readonly Step[]): { shown: bigint[]; script: string[] } {
  const gic = new Gicv3(1);
  const kept: bigint[] = Array(KEPT).fill(1023n);
  const shown: bigint[] = [];
  const script: string[] = [];
  const read = (register: number) => gic.readSystemRegister(0, register) ?? -1n;
  const show = (what: string, value: bigint) => {
    shown.push(value);
    script.push(what);
  };
  for (const [index, s] of steps.entries()) {
    const what = `${index} ${s.kind}`;
    if (s.kind === "msr") gic.writeSystemRegister(0, ICC[s.name], s.value);
    else if (s.kind === "mmio") {
      const { address, size, value } = s;
      if (address >= GICR) gic.redistributors.write(Number(address - GICR), size, value);
      else gic.distributor.write(Number(address - GICD), size, value);
    } else if (s.kind === "acknowledge") {
      kept[s.keep] = read(IAR[s.group]);
      show(`${what} ICC_IAR${s.group}`, kept[s.keep] ?? 0n);
    } else gic.writeSystemRegister(0, s.kind === "end" ? EOIR[s.group] : ICC.DIR_EL1, kept[s.keep] ?? 0n);
    const { irq, fiq } = gic.pending(0);
    show(`${what} ISR_EL1`, (irq ? 0x80n : 0n) | (fiq ? 0x40n : 0n));
    for (const name of LOOKS) show(`${what} ${name}`, read(ICC[name]));
  }
  return { shown, script };
}

describe.skipIf(!hasQemu)("QEMU (package qemu-system-arm) as a witness of the GICv3 CPU interface", () => {
  it("answers the same, whatever a guest does with its system registers", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 150, size: "max" }), (random) => {
        const steps = [...START, ...random];
        const theirs = runOnQemu(["-M", "virt,gic-version=3", "-m", "64"], { "-kernel": program(steps) });
        const { shown, script } = ours(steps);
        expect(theirs).toHaveLength(shown.length);
        const at = shown.findIndex((value, index) => value !== theirs[index]);
        const story = steps.slice(0, Number(script[at]?.split(" ")[0] ?? 0) + 1);
        const told = story.map((s) =>
          JSON.stringify(s, (_, v) => (typeof v === "bigint" ? `0x${v.toString(16)}` : v)),
        );
        expect(at === -1 ? "" : `${script[at]}: 0x${shown[at]?.toString(16)}`, told.join("\n")).toBe(
          at === -1 ? "" : `${script[at]}: 0x${theirs[at]?.toString(16)}`,
        );
      }),
      { numRuns: 8, endOnFailure: true },
    );
  });
});
