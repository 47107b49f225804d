import { unpackAccess } from "../../../../src/engine/access.ts";
import { Engine, type EngineHost } from "../../../../src/engine/engine.ts";
import { engineState } from "../../../../src/engine/layout.ts";
import type { InstructionSet } from "../../../../src/engine/operation.ts";
import type { TlbRights } from "../../../../src/engine/tlb.ts";
import {
  arm64State,
  generalRegisterAddress,
  vectorRegisterAddress,
} from "../../../../src/isa/arm64/state.ts";
import { armFloatContext } from "../../../../src/isa/softfloat/arm.ts";
import { invokeFloatOperation64 } from "../../../../src/isa/softfloat/operations.ts";
import { dataWindows, layout, memoryBytes, type TestState } from "./state.ts";

/** How an instruction ended on our CPU. */
export type OurOutcome =
  | { readonly kind: "ok" }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly (number | bigint)[] }
  | { readonly kind: "memory"; readonly access: "read" | "write"; readonly address: bigint }
  | { readonly kind: "alignment"; readonly address: bigint };

/** Host calls that do not abandon the instruction. */
const returning: ReadonlySet<string> = new Set([
  "systemRegisterRead",
  "systemRegisterWrite",
  "processStateWrite",
  "systemInstruction",
  "systemInstructionResult",
  "hint",
  "contextSynchronization",
  "floatingPointControl",
  "softFloat",
]);

/** What a system register reads as in this machine, so that a test can tell where a value came from. */
export function systemRegisterValue(register: number): bigint {
  return BigInt(register) * 0x1_0001_0001n;
}

/** Any access, also a misaligned one, in every address space. */
const freely = { read: true, write: true, strict: false, asid: -1 } as const;

const at = (field: { readonly place: { readonly address: number } }): number => field.place.address;

/**
 * The engine and the A64 semantics with the least CPU around them: no translation, the windows of `layout` in RAM, every
 * call noted.
 */
export class TestMachine {
  readonly engine: Engine;
  readonly xBytes: Uint8Array;
  readonly vBytes: Uint8Array;
  /** The data windows' bytes, one after the other. */
  readonly memory: Uint8Array;
  /** Calls that came back, in order. */
  readonly calls: { readonly name: string; readonly args: readonly (number | bigint)[] }[] = [];
  /** Whether accesses fill the TLB, so that later ones do not come here. */
  fillTlb = false;
  #outcome: OurOutcome = { kind: "ok" };
  readonly #dataBase: number;
  readonly #codeBase: number;

  constructor(set: InstructionSet) {
    const host: EngineHost = {
      loadSlow: (address, access) => this.#load(BigInt.asUintN(64, address), access),
      storeSlow: (address, access, low, high) => this.#store(BigInt.asUintN(64, address), access, low, high),
      fetch: (address) => (this.#isCode(address) ? this.engine.code.records(this.#codeBase) : 0),
      marked: () => true,
      hostCalls: Object.fromEntries(
        Object.keys(set.hostCalls).map((name) => [
          name,
          (...args: (number | bigint)[]) => this.#call(name, args),
        ]),
      ),
    };
    this.engine = new Engine(set, host, { ramBytes: 0x10000, contexts: 2 });
    const { memory, tlb } = this.engine;
    this.#codeBase = memory.ramBase;
    this.#dataBase = memory.ramBase + 0x1000;
    this.memory = memory.bytes.subarray(this.#dataBase, this.#dataBase + memoryBytes);
    this.xBytes = memory.bytes.subarray(generalRegisterAddress(0), generalRegisterAddress(32));
    this.vBytes = memory.bytes.subarray(vectorRegisterAddress(0), vectorRegisterAddress(32));
    this.setInt(at(engineState.tlb), tlb.dataBase(0));
    this.setInt(at(engineState.unprivilegedTlb), tlb.dataBase(1));
    this.setInt(at(engineState.fetchTlb), tlb.fetchBase(0));
  }

  setInt(address: number, value: number): void {
    this.engine.memory.view.setInt32(address, value, true);
  }

  getInt(address: number): number {
    return this.engine.memory.view.getUint32(address, true);
  }

  setLong(address: number, value: bigint): void {
    this.engine.memory.view.setBigUint64(address, BigInt.asUintN(64, value), true);
  }

  getLong(address: number): bigint {
    return this.engine.memory.view.getBigUint64(address, true);
  }

  get pc(): bigint {
    return this.getLong(at(engineState.pc));
  }

  get nzcv(): number {
    const n = this.engine.memory.view.getInt32(at(arm64State.flagN) + 4, true) < 0 ? 8 : 0;
    const z = this.getLong(at(arm64State.flagZ)) === 0n ? 4 : 0;
    return n | z | (this.getInt(at(arm64State.flagC)) << 1) | this.getInt(at(arm64State.flagV));
  }

  get fpcr(): number {
    return this.getInt(at(arm64State.fpcr));
  }

  get fpsr(): number {
    return this.getInt(at(arm64State.fpsr));
  }

  /** Takes over a test's starting state, at EL1 with SP_EL1, floating point on, the exclusive monitor open. */
  take(state: TestState): void {
    this.xBytes.set(state.xBytes);
    this.vBytes.set(state.vBytes);
    // The stored forms of N and Z have many values that mean the same.
    const noise = state.x[0] ?? 0n;
    this.setLong(at(arm64State.flagN), (noise >> 1n) | ((state.nzcv & 8) !== 0 ? 1n << 63n : 0n));
    this.setLong(at(arm64State.flagZ), (state.nzcv & 4) !== 0 ? 0n : noise | (1n << (noise & 63n)));
    this.setInt(at(arm64State.flagC), (state.nzcv >> 1) & 1);
    this.setInt(at(arm64State.flagV), state.nzcv & 1);
    this.setInt(at(arm64State.el), 1);
    this.setInt(at(arm64State.spSel), 1);
    this.setInt(at(arm64State.fpTrap), 0);
    this.setInt(at(arm64State.exclusiveBytes), 0);
    this.setInt(at(arm64State.spAlignmentCheck), 0);
    this.setFloatControl(state.fpcr, state.fpsr);
    for (const { address, bytes } of state.patches) this.memory.set(bytes, this.#offset(address));
  }

  /** Sets FPCR and FPSR and what follows from them. */
  setFloatControl(fpcr: number, fpsr: number): void {
    this.setInt(at(arm64State.fpcr), fpcr);
    this.setInt(at(arm64State.fpsr), fpsr);
    // AHP and DN change no normal result; FZ16 concerns half precision, which WebAssembly does not have.
    const exact = (fpcr & 0x01c0_9f00) === 0 && (fpsr & 0x10) !== 0;
    this.setInt(at(arm64State.fpFast), Number(exact));
  }

  /** Places words at the beginning of the code window, PC on the first. */
  place(words: readonly number[]): void {
    const { engine } = this;
    words.forEach((word, i) => {
      engine.memory.view.setUint32(this.#codeBase + 4 * i, word, true);
    });
    engine.code.written(this.#codeBase, 4 * words.length);
    this.setLong(at(engineState.pc), layout.code.address);
    this.clear();
  }

  /** Forgets how the last run ended, and its calls. */
  clear(): void {
    this.#outcome = { kind: "ok" };
    this.calls.length = 0;
  }

  /** How what ran since `place` or `clear` ended. */
  get outcome(): OurOutcome {
    return this.#outcome;
  }

  /** Places words at the beginning of the code window and executes as many instructions. */
  run(words: readonly number[]): OurOutcome {
    this.place(words);
    const { retired } = this.engine.run(words.length);
    if (this.#outcome.kind === "ok" && retired !== words.length)
      throw new Error(`${retired} of ${words.length} instructions retired without an exception`);
    return this.#outcome;
  }

  /** Forgets what `fillTlb` filled, at the first level of the TLB or at both. */
  flush(both: boolean): void {
    for (const context of [0, 1]) {
      if (both) this.engine.tlb.flush(context);
      else this.engine.tlb.flushFirst(context);
    }
  }

  /** Gives the page of a data window the TLB entry that an access with these rights would leave. */
  map(address: bigint, rights: TlbRights, context: 0 | 1): void {
    const offset = this.#offset(address);
    if (offset < 0) throw new RangeError(`no data window has ${address}`);
    this.engine.tlb.fill(context, address, this.#dataBase + offset, rights);
  }

  #isCode(address: bigint): boolean {
    return BigInt.asUintN(64, address) >> 12n === layout.code.address >> 12n && (address & 3n) === 0n;
  }

  /** Offset of a guest address in `memory`, −1 when no window has it. */
  #offset(address: bigint): number {
    let begin = 0;
    for (const window of dataWindows) {
      const offset = address - window.address;
      if (offset >= 0n && offset < BigInt(window.size)) return begin + Number(offset);
      begin += window.size;
    }
    return -1;
  }

  /** Host address of an access, or undefined after noting why it faults. */
  #locate(address: bigint, packed: number): number | undefined {
    const { bytes, element, mustAlign, write, unprivileged } = unpackAccess(packed);
    if (mustAlign && (address & BigInt(element - 1)) !== 0n) {
      this.#end({ kind: "alignment", address });
      return undefined;
    }
    const offset = this.#offset(address);
    if (offset < 0 || this.#offset(address + BigInt(bytes - 1)) !== offset + bytes - 1) {
      this.#end({ kind: "memory", access: write ? "write" : "read", address });
      return undefined;
    }
    const host = this.#dataBase + offset;
    if (this.fillTlb) this.engine.tlb.fill(unprivileged ? 1 : 0, address, host, freely);
    return host;
  }

  #load(address: bigint, packed: number): bigint {
    const host = this.#locate(address, packed);
    if (host === undefined) return 0n;
    const { view } = this.engine.memory;
    switch (packed & 31) {
      case 1:
        return BigInt(view.getUint8(host));
      case 2:
        return BigInt(view.getUint16(host, true));
      case 4:
        return BigInt(view.getUint32(host, true));
      case 8:
        return view.getBigUint64(host, true);
      default:
        view.setBigUint64(at(engineState.wideHigh), view.getBigUint64(host + 8, true), true);
        return view.getBigUint64(host, true);
    }
  }

  #store(address: bigint, packed: number, low: bigint, high: bigint): void {
    const host = this.#locate(address, packed);
    if (host === undefined) return;
    const { view } = this.engine.memory;
    switch (packed & 31) {
      case 1:
        view.setUint8(host, Number(low & 0xffn));
        break;
      case 2:
        view.setUint16(host, Number(low & 0xffffn), true);
        break;
      case 4:
        view.setUint32(host, Number(low & 0xffff_ffffn), true);
        break;
      case 8:
        view.setBigInt64(host, low, true);
        break;
      default:
        view.setBigInt64(host, low, true);
        view.setBigInt64(host + 8, high, true);
    }
  }

  #call(name: string, args: readonly (number | bigint)[]): number | bigint | undefined {
    if (!returning.has(name)) {
      this.#end({ kind: "call", name, args });
      return undefined;
    }
    this.calls.push({ name, args });
    if (name === "softFloat") return this.#softFloat(args);
    if (name === "floatingPointControl") {
      const value = Number(BigInt.asUintN(32, BigInt(args[1] ?? 0n)));
      if (args[0] === 0) this.setFloatControl(value, this.fpsr);
      else this.setFloatControl(this.fpcr, value);
    }
    return name === "systemRegisterRead" || name === "systemInstructionResult"
      ? systemRegisterValue(Number(args[0]))
      : undefined;
  }

  #softFloat([number = 0, a = 0n, b = 0n, c = 0n]: readonly (number | bigint)[]): bigint {
    const context = armFloatContext(this.fpcr);
    const result = invokeFloatOperation64(Number(number), BigInt(a), BigInt(b), BigInt(c), context);
    this.setInt(at(arm64State.fpsr), this.fpsr | context.flags);
    this.setFloatControl(this.fpcr, this.fpsr);
    return result;
  }

  #end(outcome: OurOutcome): void {
    this.#outcome = outcome;
    this.engine.abandon();
  }
}
