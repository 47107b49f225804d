import type { StateField } from "../../engine/ir/builder.ts";
import { engineState, field, memoryMap } from "../../engine/layout.ts";
import type { EngineMemory } from "../../engine/memory.ts";
import { arm64State, generalRegisterAddress, vectorRegisterAddress } from "../../isa/arm64/state.ts";

/** CPU state that instructions do not touch directly, in the state window. */
const cpuState = {
  /** PSTATE.SS and PSTATE.IL, 0 or 1. */
  singleStep: field("i32", 0x800),
  illegal: field("i32", 0x804),
} as const;

/** SPSR_abt, SPSR_und, SPSR_irq and SPSR_fiq: state of AArch32 that nothing here uses, but that a vCPU has (Arm ARM D17.2.123). */
const bankedSpsr = [0x808, 0x810, 0x818, 0x820].map((address) => field("i64", address));

type FixedField<T extends "i32" | "i64"> = StateField<T> & {
  readonly place: { readonly kind: "fixed"; readonly address: number };
};

/** Bits of PSTATE as SPSR_EL1 holds them (Arm ARM C5.2.18). */
export const pstate = {
  n: 1 << 31,
  z: 1 << 30,
  c: 1 << 29,
  v: 1 << 28,
  ss: 1 << 21,
  il: 1 << 20,
  aarch32: 1 << 4,
  daif: 0x3c0,
  d: 1 << 9,
  a: 1 << 8,
  i: 1 << 7,
  f: 1 << 6,
} as const;

/** PSTATE.M values of AArch64 (Arm ARM C5.2.18). */
export const processorMode = { el0t: 0, el1t: 4, el1h: 5 } as const;

/** The registers of the vCPU in the state window. */
export class Arm64Registers {
  readonly #memory: EngineMemory;

  constructor(memory: EngineMemory) {
    this.#memory = memory;
  }

  getInt(at: FixedField<"i32">): number {
    return this.#memory.words[at.place.address >>> 2] ?? 0;
  }

  setInt(at: FixedField<"i32">, value: number): void {
    this.#memory.words[at.place.address >>> 2] = value;
  }

  getLong(at: FixedField<"i64">): bigint {
    return this.#memory.view.getBigUint64(at.place.address, true);
  }

  setLong(at: FixedField<"i64">, value: bigint): void {
    this.#memory.view.setBigUint64(at.place.address, BigInt.asUintN(64, value), true);
  }

  /** A whole number below 2^53 as a 64-bit integer. */
  setNumber(at: FixedField<"i64">, value: number): void {
    const index = at.place.address >>> 2;
    this.#memory.words[index] = value | 0;
    this.#memory.words[index + 1] = (value / 2 ** 32) | 0;
  }

  /** Xn, n = 0–30; 31 reads as zero. */
  x(n: number): bigint {
    return n === 31 ? 0n : this.#memory.view.getBigUint64(generalRegisterAddress(n), true);
  }

  /** Writes Xn; 31 is discarded. */
  setX(n: number, value: bigint): void {
    if (n !== 31) this.#memory.view.setBigUint64(generalRegisterAddress(n), BigInt.asUintN(64, value), true);
  }

  /** Vn as sixteen bytes, lowest first; a view, not a copy. */
  v(n: number): Uint8Array {
    const at = vectorRegisterAddress(n);
    return this.#memory.bytes.subarray(at, at + 16);
  }

  get pc(): bigint {
    return this.getLong(engineState.pc);
  }

  set pc(value: bigint) {
    this.setLong(engineState.pc, value);
  }

  get el(): 0 | 1 {
    return this.getInt(arm64State.el) === 0 ? 0 : 1;
  }

  get spSel(): 0 | 1 {
    return this.getInt(arm64State.spSel) === 0 ? 0 : 1;
  }

  /** The stack pointer in use. */
  get sp(): bigint {
    return this.getLong(arm64State.sp);
  }

  get usesSpEl0(): boolean {
    return this.el === 0 || this.spSel === 0;
  }

  get spEl0(): bigint {
    return this.usesSpEl0 ? this.sp : this.getLong(arm64State.spEl0);
  }

  set spEl0(value: bigint) {
    this.setLong(this.usesSpEl0 ? arm64State.sp : arm64State.spEl0, value);
  }

  get spEl1(): bigint {
    return this.usesSpEl0 ? this.getLong(arm64State.spEl1) : this.sp;
  }

  set spEl1(value: bigint) {
    this.setLong(this.usesSpEl0 ? arm64State.spEl1 : arm64State.sp, value);
  }

  /** PSTATE.{D,A,I,F} in bits 9:6. */
  get daif(): number {
    return this.getInt(arm64State.daif);
  }

  set daif(value: number) {
    this.setInt(arm64State.daif, value & pstate.daif);
  }

  /** SPSR_abt, SPSR_und, SPSR_irq or SPSR_fiq, by n = 0–3. */
  bankedSpsr(n: number): bigint {
    const at = bankedSpsr[n];
    return at === undefined ? 0n : this.getLong(at);
  }

  setBankedSpsr(n: number, value: bigint): void {
    const at = bankedSpsr[n];
    if (at !== undefined) this.setLong(at, value);
  }

  get singleStep(): boolean {
    return this.getInt(cpuState.singleStep) !== 0;
  }

  set singleStep(value: boolean) {
    this.setInt(cpuState.singleStep, Number(value));
  }

  get illegal(): boolean {
    return this.getInt(cpuState.illegal) !== 0;
  }

  /** PSTATE in the format of SPSR_EL1. */
  get pstate(): number {
    const memory = this.#memory;
    const n = (memory.words[(arm64State.flagN.place.address >>> 2) + 1] ?? 0) & pstate.n;
    const z = memory.doublewords[arm64State.flagZ.place.address >>> 3] === 0n ? pstate.z : 0;
    const c = this.getInt(arm64State.flagC) === 0 ? 0 : pstate.c;
    const v = this.getInt(arm64State.flagV) === 0 ? 0 : pstate.v;
    const ss = this.singleStep ? pstate.ss : 0;
    const il = this.illegal ? pstate.il : 0;
    const mode =
      this.el === 0 ? processorMode.el0t : this.spSel === 0 ? processorMode.el1t : processorMode.el1h;
    return (n | z | c | v | ss | il | this.daif | mode) >>> 0;
  }

  /** Sets PSTATE from the format of SPSR_EL1; the mode must be one of AArch64 EL0 or EL1. */
  set pstate(value: number) {
    this.setFlags(value >>> 28);
    this.singleStep = (value & pstate.ss) !== 0;
    this.setInt(cpuState.illegal, Number((value & pstate.il) !== 0));
    this.daif = value;
    this.setLevel(((value >>> 2) & 1) as 0 | 1, (value & 1) as 0 | 1);
  }

  /** Sets NZCV from bits 3:0. */
  setFlags(nzcv: number): void {
    this.setLong(arm64State.flagN, (nzcv & 8) !== 0 ? 1n << 63n : 0n);
    this.setLong(arm64State.flagZ, (nzcv & 4) !== 0 ? 0n : 1n);
    this.setInt(arm64State.flagC, (nzcv >> 1) & 1);
    this.setInt(arm64State.flagV, nzcv & 1);
  }

  /** Changes PSTATE.EL and SPSel, and which stack pointer is current. */
  setLevel(el: 0 | 1, spSel: 0 | 1): void {
    this.setLong(this.usesSpEl0 ? arm64State.spEl0 : arm64State.spEl1, this.sp);
    this.setInt(arm64State.el, el);
    this.setInt(arm64State.spSel, spSel);
    this.setLong(arm64State.sp, this.getLong(this.usesSpEl0 ? arm64State.spEl0 : arm64State.spEl1));
  }

  /** Copies the window out to the place of vCPU `index`. */
  keep(index: number): void {
    this.#memory.bytes.copyWithin(
      keptWindow(index) + memoryMap.window,
      memoryMap.window,
      memoryMap.windowEnd,
    );
  }

  /** Copies the window of vCPU `index` in. */
  bringIn(index: number): void {
    const kept = keptWindow(index);
    this.#memory.bytes.copyWithin(memoryMap.window, kept + memoryMap.window, kept + memoryMap.windowEnd);
  }
}

function keptWindow(index: number): number {
  return memoryMap.kept + index * memoryMap.windowEnd;
}
