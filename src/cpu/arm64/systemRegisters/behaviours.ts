import { arm64State } from "../../../isa/arm64/state.ts";
import type { Arm64Cluster } from "../cluster.ts";
import { debugLock } from "../controls.ts";
import type { Arm64Cpu } from "../cpu.ts";
import { pstate } from "../registers.ts";
import { genericTimer } from "../timers.ts";
import { sctlr } from "./control.ts";
import { monitorControl } from "./debug.ts";
import type { SystemRegisterFile } from "./file.ts";
import { cacheSizes } from "./identification.ts";

/** What a behaviour acts on. */
export interface BehaviourContext {
  readonly cluster: Arm64Cluster;
  readonly cpu: Arm64Cpu;
  readonly file: SystemRegisterFile;
}

/** What makes a register more than storage. */
export interface Behaviour {
  /** The value when it is not simply stored. */
  readonly read?: (context: BehaviourContext) => bigint;
  /** Instead of storing; `value` has only writable bits changed. */
  readonly write?: (context: BehaviourContext, value: bigint) => void;
  /** After storing. */
  readonly changed?: (context: BehaviourContext, old: bigint, value: bigint) => void;
}

/** SCTLR_EL1 bits that change what translations mean. */
const translationBits = sctlr.M | sctlr.A | sctlr.WXN;

const timer = (which: "P" | "V"): Readonly<Record<string, Behaviour>> => {
  const control = `CNT${which}_CTL_EL0`;
  const compare = `CNT${which}_CVAL_EL0`;
  const count = ({ cluster, cpu }: BehaviourContext): bigint =>
    BigInt.asUintN(64, cluster.count() - (which === "V" ? cpu.controls.cntvoff : 0n));
  const state = ({ file }: BehaviourContext) => ({
    control: Number(file.raw(control)),
    compare: file.raw(compare),
  });
  const changed = (context: BehaviourContext): void => {
    context.cpu.timers.update();
    context.cluster.endRunSoon();
  };
  return {
    [`CNT${which}CT_EL0`]: { read: (context) => count(context) },
    [control]: { read: (context) => BigInt(genericTimer.control(state(context), count(context))), changed },
    [compare]: { changed },
    [`CNT${which}_TVAL_EL0`]: {
      read: (context) => genericTimer.timerValue(state(context), count(context)),
      write: (context, value) => {
        context.file.setRaw(compare, genericTimer.compareFor(value, count(context)));
        changed(context);
      },
    },
  };
};

const performanceRegister = (name: string): Behaviour => ({
  read: ({ cpu, file }) => {
    cpu.performance.update();
    return file.raw(name);
  },
  write: ({ cpu, file }, value) => {
    cpu.performance.update();
    file.setRaw(name, value);
    cpu.performance.controlsChanged();
  },
});

/** PMXEVCNTR_EL0 and PMXEVTYPER_EL0: another register, by PMSELR_EL0. */
const selectedRegister = (what: "counter" | "type"): Behaviour => ({
  read: ({ cpu, file }) => {
    const name = cpu.performance.selected(what);
    return name === undefined ? 0n : file.get(name);
  },
  write: ({ cpu, file }, value) => {
    const name = cpu.performance.selected(what);
    if (name !== undefined) file.set(name, value);
  },
});

/** A pair of registers that set and clear bits of one word; both read it. The word is kept under the first name. */
const setAndClear = (set: string, clear: string): Readonly<Record<string, Behaviour>> => ({
  [set]: {
    read: ({ cpu, file }) => {
      cpu.performance.update();
      return file.raw(set);
    },
    write: ({ cpu, file }, value) => {
      cpu.performance.update();
      file.setRaw(set, file.raw(set) | value);
      cpu.performance.controlsChanged();
    },
  },
  [clear]: {
    read: ({ cpu, file }) => {
      cpu.performance.update();
      return file.raw(set);
    },
    write: ({ cpu, file }, value) => {
      cpu.performance.update();
      file.setRaw(set, file.raw(set) & ~value);
      cpu.performance.controlsChanged();
    },
  },
});

const performance: Readonly<Record<string, Behaviour>> = {
  ...setAndClear("PMINTENSET_EL1", "PMINTENCLR_EL1"),
  ...setAndClear("PMCNTENSET_EL0", "PMCNTENCLR_EL0"),
  ...setAndClear("PMOVSSET_EL0", "PMOVSCLR_EL0"),
  PMCR_EL0: {
    write: ({ cpu }, value) => {
      cpu.performance.update();
      cpu.performance.writeControl(value);
      cpu.performance.controlsChanged();
    },
  },
  PMSWINC_EL0: {
    write: ({ cpu }, value) => {
      cpu.performance.softwareIncrement(value);
      cpu.performance.controlsChanged();
    },
  },
  PMXEVCNTR_EL0: selectedRegister("counter"),
  PMXEVTYPER_EL0: selectedRegister("type"),
  ...Object.fromEntries(
    [
      "PMCCNTR_EL0",
      "PMCCFILTR_EL0",
      ...[0, 1, 2, 3, 4, 5].flatMap((n) => [`PMEVCNTR${n}_EL0`, `PMEVTYPER${n}_EL0`]),
    ].map((name) => [name, performanceRegister(name)]),
  ),
};

const debugChanged: Behaviour = { changed: ({ cpu, cluster }) => cluster.debugRegistersChanged(cpu) };

const debugValue = (prefix: string, count: number): Readonly<Record<string, Behaviour>> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}_EL1`, debugChanged]));

const low = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** The registers that do something, by name. Registers not named here are plain storage. */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  SCTLR_EL1: {
    changed: ({ cpu, cluster }, old, value) => {
      if (((old ^ value) & translationBits) !== 0n) cpu.stage1.registersChanged(false);
      if (old !== value) cluster.endRunSoon();
    },
  },
  TCR_EL1: { changed: ({ cpu }) => cpu.stage1.registersChanged(false) },
  MAIR_EL1: { changed: ({ cpu }) => cpu.stage1.registersChanged(false) },
  TTBR0_EL1: {
    changed: ({ cpu }, old, value) => {
      if (old !== value) cpu.stage1.registersChanged(true);
    },
  },
  TTBR1_EL1: {
    changed: ({ cpu }, old, value) => {
      if (old !== value) cpu.stage1.registersChanged(true);
    },
  },
  CPACR_EL1: { changed: ({ cluster }) => cluster.endRunSoon() },
  SP_EL0: {
    read: ({ cpu }) => cpu.registers.spEl0,
    write: ({ cpu }, value) => {
      cpu.registers.spEl0 = value;
    },
  },
  SPSel: {
    read: ({ cpu }) => BigInt(cpu.registers.spSel),
    write: ({ cpu }, value) => cpu.registers.setLevel(cpu.registers.el, (Number(value) & 1) as 0 | 1),
  },
  CurrentEL: { read: ({ cpu }) => BigInt(cpu.registers.el << 2) },
  ISR_EL1: { read: ({ cpu, cluster }) => interruptStatus(cluster, cpu) },
  NZCV: {
    read: ({ cpu }) => BigInt(cpu.registers.pstate & 0xf000_0000) & 0xf000_0000n,
    write: ({ cpu }, value) => cpu.registers.setFlags(Number((value >> 28n) & 15n)),
  },
  DAIF: {
    read: ({ cpu }) => BigInt(cpu.registers.daif),
    write: ({ cpu, cluster }, value) => {
      // D also decides whether debug exceptions are enabled.
      if (((cpu.registers.daif ^ Number(value)) & pstate.d) !== 0) cluster.endRunSoon();
      cpu.registers.daif = Number(value);
    },
  },
  FPCR: {
    read: ({ cpu }) => BigInt(cpu.registers.getInt(arm64State.fpcr) >>> 0),
    write: ({ cpu }, value) => {
      cpu.registers.setInt(arm64State.fpcr, low(value));
      cpu.updateFloatingPointMode();
    },
  },
  FPSR: {
    read: ({ cpu }) => BigInt(cpu.registers.getInt(arm64State.fpsr) >>> 0),
    write: ({ cpu }, value) => {
      cpu.registers.setInt(arm64State.fpsr, low(value));
      cpu.updateFloatingPointMode();
    },
  },
  // DZP: whether DC ZVA is prohibited at the present level. Arm ARM D17.2.33.
  DCZID_EL0: {
    read: ({ cpu, file }) => {
      const prohibited = cpu.registers.el === 0 && (file.raw("SCTLR_EL1") & sctlr.DZE) === 0n;
      return file.raw("DCZID_EL0") | (prohibited ? 0x10n : 0n);
    },
  },
  CCSIDR_EL1: { read: ({ file }) => cacheSizes.get(Number(file.raw("CSSELR_EL1"))) ?? 0n },
  ...timer("P"),
  ...timer("V"),
  MDSCR_EL1: {
    write: ({ cpu, cluster, file }, value) => {
      const isLocked = (file.raw("OSLSR_EL1") & BigInt(debugLock.OSLK)) !== 0n;
      const writable = isLocked ? monitorControl.locked : monitorControl.always;
      file.setRaw("MDSCR_EL1", (file.raw("MDSCR_EL1") & ~writable) | (value & writable));
      cluster.debugRegistersChanged(cpu);
    },
  },
  OSDLR_EL1: debugChanged,
  DBGPRCR_EL1: debugChanged,
  ...debugValue("DBGBVR", 6),
  ...debugValue("DBGBCR", 6),
  ...debugValue("DBGWVR", 4),
  ...debugValue("DBGWCR", 4),
  OSLAR_EL1: {
    write: (context, value) => {
      const status = context.file.raw("OSLSR_EL1");
      context.file.setRaw("OSLSR_EL1", (status & ~2n) | ((value & 1n) << 1n));
      context.cluster.debugRegistersChanged(context.cpu);
    },
  },
  DBGCLAIMSET_EL1: {
    read: () => 0xffn,
    write: ({ file }, value) => file.setRaw("DBGCLAIMCLR_EL1", file.raw("DBGCLAIMCLR_EL1") | (value & 0xffn)),
  },
  DBGCLAIMCLR_EL1: {
    write: ({ file }, value) => file.setRaw("DBGCLAIMCLR_EL1", file.raw("DBGCLAIMCLR_EL1") & ~value),
  },
  ...performance,
};

/** ISR_EL1: which interrupts are pending, masked or not (Arm ARM D17.2.64). */
function interruptStatus(cluster: Arm64Cluster, cpu: Arm64Cpu): bigint {
  const lines = cluster.interrupts?.pending(cpu.index);
  if (lines === undefined) return 0n;
  return (lines.irq ? 0x80n : 0n) | (lines.fiq ? 0x40n : 0n);
}
