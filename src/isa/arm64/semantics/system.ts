import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { engineState } from "../../../engine/layout.ts";
import { arm64State } from "../state.ts";
import { type Definition, define, type FieldReader, imm32, xDestination, xSource } from "./define.ts";
import { packedFlags } from "./flags.ts";

/** op0:op1:CRn:CRm:op2 in 16 bits, as the host calls want it. */
const systemRegister = (op0: number, op1: number, crn: number, crm: number, op2: number): number =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;

const registerOf = (f: FieldReader): number =>
  systemRegister(2 + f("o0"), f("op1"), f("CRn"), f("CRm"), f("op2"));

const spEl0 = systemRegister(3, 0, 4, 1, 0);
const spSel = systemRegister(3, 0, 4, 2, 0);
const currentEl = systemRegister(3, 0, 4, 2, 2);
const nzcv = systemRegister(3, 3, 4, 2, 0);
const daif = systemRegister(3, 3, 4, 2, 1);
const fpcr = systemRegister(3, 3, 4, 4, 0);
const fpsr = systemRegister(3, 3, 4, 4, 1);
const cntpct = systemRegister(3, 3, 14, 0, 1);
const cntvct = systemRegister(3, 3, 14, 0, 2);
const tpidrEl1 = systemRegister(3, 0, 13, 0, 4);
const tpidrEl0 = systemRegister(3, 3, 13, 0, 2);
const tpidrroEl0 = systemRegister(3, 3, 13, 0, 3);
const ctrEl0 = systemRegister(3, 3, 0, 0, 1);
const dczidEl0 = systemRegister(3, 3, 0, 0, 7);

/** Bits of `arm64State.cacheAccess`. */
const cacheAccess = { type: 1, maintain: 2, zero: 4 } as const;

const may = (b: Builder, bit: number): Value<"i32"> => b.i32.and(b.get(arm64State.cacheAccess), bit);

/** The system counter: ticks of 16 ns of virtual time, exact within a run. */
function count(b: Builder): Value<"i64"> {
  const left = b.i64.extend_i32_u(b.get(engineState.budget));
  return b.i64.shr_u(b.i64.sub(b.get(arm64State.counterBase), left), 4n);
}

/** Registers with a form that needs no call; any other one is variant 0. */
const fast = (registers: readonly number[]) => ({
  values: [0, ...registers],
  from: (f: FieldReader) => (registers.includes(registerOf(f)) ? registerOf(f) : 0),
});

/** A value where `allowed` says so without asking the CPU; otherwise the CPU decides and answers. */
function readIf(
  b: Builder,
  allowed: Value<"i32">,
  fastValue: () => Value<"i64">,
  register: Value<"i32">,
): Value<"i64"> {
  const result = b.variable("i64", 0n);
  b.if(
    allowed,
    () => b.assign(result, fastValue()),
    () => b.assign(result, b.host("systemRegisterRead", "i64", register)),
  );
  return b.use(result);
}

function readRegister(b: Builder, which: number, register: Value<"i32">): Value<"i64"> {
  const aboveEl0 = (): Value<"i32"> => b.get(arm64State.el);
  switch (which) {
    case nzcv:
      return b.i64.extend_i32_u(b.i32.shl(packedFlags(b), 28));
    case fpcr:
      b.guard(arm64State.fpTrap, "floatingPointTrap");
      return b.i64.extend_i32_u(b.get(arm64State.fpcr));
    case fpsr:
      b.guard(arm64State.fpTrap, "floatingPointTrap");
      return b.i64.extend_i32_u(b.get(arm64State.fpsr));
    case tpidrEl0:
      return b.get(arm64State.tpidrEl0);
    case tpidrroEl0:
      return b.get(arm64State.tpidrroEl0);
    case tpidrEl1:
      return readIf(b, aboveEl0(), () => b.get(arm64State.tpidrEl1), register);
    case daif:
      // At EL0, SCTLR_EL1.UMA decides.
      return readIf(b, aboveEl0(), () => b.i64.extend_i32_u(b.get(arm64State.daif)), register);
    case currentEl:
      return readIf(b, aboveEl0(), () => b.i64.extend_i32_u(b.i32.shl(b.get(arm64State.el), 2)), register);
    case spSel:
      return readIf(b, aboveEl0(), () => b.i64.extend_i32_u(b.get(arm64State.spSel)), register);
    case spEl0:
      // Accessible from EL1 only while SP_EL1 is the stack pointer; then it is not the current one.
      return readIf(
        b,
        b.i32.and(b.i32.ne(aboveEl0(), 0), b.get(arm64State.spSel)),
        () => b.get(arm64State.spEl0),
        register,
      );
    case ctrEl0:
      return readIf(b, may(b, cacheAccess.type), () => b.get(arm64State.ctrEl0), register);
    case dczidEl0:
      return readIf(b, may(b, cacheAccess.zero), () => b.get(arm64State.dczidEl0), register);
    case cntpct:
      return readIf(b, b.i32.and(b.get(arm64State.counterAccess), 1), () => count(b), register);
    case cntvct:
      return readIf(
        b,
        b.i32.and(b.get(arm64State.counterAccess), 2),
        () => b.i64.sub(count(b), b.get(arm64State.virtualOffset)),
        register,
      );
    default:
      return b.host("systemRegisterRead", "i64", register);
  }
}

const frequentlyRead = [spEl0, tpidrEl0, tpidrEl1, daif, ctrEl0, dczidEl0];

const moveFromSystemRegister = define({
  encoding: "MRS",
  variants: {
    which: fast([
      nzcv,
      daif,
      currentEl,
      spSel,
      fpcr,
      fpsr,
      spEl0,
      tpidrEl0,
      tpidrroEl0,
      tpidrEl1,
      ctrEl0,
      dczidEl0,
      cntpct,
      cntvct,
    ]),
  },
  operands: { t: xDestination("Rt"), register: imm32(registerOf) },
  hot: ({ which }) => frequentlyRead.includes(which),
  semantics: (b, { t, register }, { which }) => b.set(t, readRegister(b, which, register)),
});

/** PSTATE.DAIF in `arm64State.daif`, and D alone. */
const interruptMask = 0x3c0;
const debugMask = 0x200;

/**
 * Sets PSTATE.DAIF at EL1 where that needs no call: `allowed` says so, and either it unmasks nothing or no interrupt is
 * asserted that could be taken now.
 */
function writeInterruptMask(
  b: Builder,
  allowed: Value<"i32">,
  unmasksNothing: Value<"i32"> | number,
  mask: Value<"i32">,
  otherwise: () => void,
): void {
  const harmless = b.i32.or(unmasksNothing, b.i32.ne(b.get(arm64State.interruptsQuiet), 0));
  const atEl1 = b.i32.ne(b.get(arm64State.el), 0);
  // The call stands first: compiled code leaves for it before anything has changed.
  b.if(b.i32.eqz(b.i32.and(b.i32.and(atEl1, allowed), harmless)), otherwise, () =>
    b.set(arm64State.daif, mask),
  );
}

const moveToSystemRegister = define({
  encoding: "MSR_reg",
  variants: { which: fast([nzcv, daif, fpcr, fpsr, tpidrEl0]) },
  operands: { t: xSource("Rt"), register: imm32(registerOf) },
  hot: ({ which }) => which === daif,
  semantics: (b, { t, register }, { which }) => {
    const value = b.get(t);
    switch (which) {
      case nzcv:
        b.flags("nzcv", b.i32.and(b.i32.wrap_i64(b.i64.shr_u(value, 28n)), 15));
        break;
      case fpcr:
      case fpsr:
        b.guard(arm64State.fpTrap, "floatingPointTrap");
        b.hostVoid("floatingPointControl", b.constI32(which === fpcr ? 0 : 1), value);
        break;
      case tpidrEl0:
        b.set(arm64State.tpidrEl0, value);
        break;
      case daif: {
        const mask = b.i32.and(b.i32.wrap_i64(value), interruptMask);
        writeInterruptMask(
          b,
          // Debug exceptions become enabled or disabled by PSTATE.D: the CPU's business.
          b.i32.eqz(b.i32.and(b.i32.xor(mask, b.get(arm64State.daif)), debugMask)),
          b.i32.eqz(b.i32.and(b.get(arm64State.daif), b.i32.xor(mask, interruptMask))),
          mask,
          () => b.hostVoid("systemRegisterWrite", register, value),
        );
        break;
      }
      default:
        b.hostVoid("systemRegisterWrite", register, value);
    }
  },
});

/** Forms of MSR (immediate): DAIFSet and DAIFClr without D are frequent. */
const otherField = 0;
const daifSet = 0o36;
const daifClear = 0o37;

const moveToProcessState = define({
  encoding: "MSR_imm",
  variants: {
    which: {
      values: [otherField, daifSet, daifClear],
      from: (f: FieldReader) => {
        const field = (f("op1") << 3) | f("op2");
        return (field === daifSet || field === daifClear) && f("CRm") < 8 ? field : otherField;
      },
    },
  },
  operands: { field: imm32((f) => (f("op1") << 3) | f("op2")), value: imm32("CRm") },
  hot: ({ which }) => which !== otherField,
  semantics: (b, { field, value }, { which }) => {
    const ask = (): void => b.hostVoid("processStateWrite", field, value);
    if (which === otherField) {
      ask();
      return;
    }
    const bits = b.i32.shl(value, 6);
    const now = b.get(arm64State.daif);
    const mask = which === daifSet ? b.i32.or(now, bits) : b.i32.and(now, b.i32.xor(bits, interruptMask));
    writeInterruptMask(b, b.constI32(1), which === daifSet ? 1 : 0, mask, ask);
  },
});

const operationOf = (f: FieldReader): number =>
  (f("op1") << 11) | (f("CRn") << 7) | (f("CRm") << 3) | f("op2");

const cacheOperation = (crm: number): number => (3 << 11) | (7 << 7) | (crm << 3) | 1;
const zeroBlock = cacheOperation(4);
/** IC IVAU, DC CVAC, DC CVAU, DC CIVAC: caches are not modelled, so where the page can be read there is nothing to do. */
const maintenance = [5, 10, 11, 14].map(cacheOperation);
const maintain = maintenance[0] ?? 0;
/** Bytes that DC ZVA zeroes (DCZID_EL0.BS), a quarter of which is a store. */
const blockBytes = 64n;

/** SYS (DC, IC, AT, TLBI among them) and SYSL. */
const systemInstructions = [
  define({
    encoding: "SYS",
    variants: {
      which: {
        values: [0, zeroBlock, maintain],
        from: (f: FieldReader) => {
          const operation = operationOf(f);
          return operation === zeroBlock ? zeroBlock : maintenance.includes(operation) ? maintain : 0;
        },
      },
    },
    operands: { t: xSource("Rt"), operation: imm32(operationOf) },
    hot: ({ which }) => which !== 0,
    semantics: (b, { t, operation }, { which }) => {
      const value = b.get(t);
      const ask = (): void => b.hostVoid("systemInstruction", operation, value);
      if (which === 0) {
        ask();
        return;
      }
      if (which === maintain) {
        const allowed = b.i32.ne(may(b, cacheAccess.maintain), 0);
        b.if(b.i32.eqz(b.i32.and(allowed, b.held("read", value))), ask);
        return;
      }
      // Nothing can stop a store to such a page, nor is a store told from this.
      const allowed = b.i32.ne(may(b, cacheAccess.zero), 0);
      b.if(b.i32.eqz(b.i32.and(allowed, b.held("write", value))), ask, () => {
        const start = b.i64.and(value, ~(blockBytes - 1n));
        const zero = b.constV128(0n, 0n);
        for (let at = 0n; at < blockBytes; at += 16n)
          b.store("v128", "v128.store", b.i64.add(start, at), zero);
      });
    },
  }),
  define({
    encoding: "SYSL",
    operands: { t: xDestination("Rt"), operation: imm32(operationOf) },
    semantics: (b, { t, operation }) => b.set(t, b.host("systemInstructionResult", "i64", operation)),
  }),
];

/** Moves to and from system registers and PSTATE, and system instructions. Arm ARM C4.1.3, C5. */
export const system: readonly Definition[] = [
  moveFromSystemRegister,
  moveToSystemRegister,
  moveToProcessState,
  ...systemInstructions,
];
