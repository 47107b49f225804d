import { arm64SystemRegisterId } from "../../kvm/arm64SystemRegisters.ts";
import type { Vcpu } from "../../kvm/interface.ts";
import { arm64Reg } from "../../kvm/oneReg.ts";
import type { ReadMemory } from "../symbols/readMemory.ts";

const vbar = arm64SystemRegisterId("VBAR_EL1");

/** Sequences are short: the manual asks for less than 128 bytes from one to the other (Arm ARM B2.9.5). */
const mostInstructions = 32;

/** Load/store exclusive (Arm ARM C4.1.66: bits 29:24 are 001000, o2 = bit 23 is 0); those with o1 and without bit 31 are CASP. */
const isExclusive = (word: number): boolean =>
  (word & 0x3f80_0000) === 0x0800_0000 && (word & 0x8020_0000) >>> 0 !== 0x0020_0000;
/** L. */
const isLoad = (word: number): boolean => (word & 0x0040_0000) !== 0;

/** Where a direct branch goes, relative to itself in bytes; undefined for what is none. */
function branchDistance(word: number): { readonly distance: number; readonly always: boolean } | undefined {
  if ((word & 0xfc00_0000) >>> 0 === 0x1400_0000) return { distance: (word << 6) >> 4, always: true };
  if ((word & 0xff00_0000) >>> 0 === 0x5400_0000)
    return { distance: ((word << 8) >> 13) << 2, always: false };
  if ((word & 0x7e00_0000) === 0x3400_0000) return { distance: ((word << 8) >> 13) << 2, always: false };
  if ((word & 0x7e00_0000) === 0x3600_0000) return { distance: ((word << 13) >> 18) << 2, always: false };
  return undefined;
}

/** BL, branches to registers, exceptions, ERET, waits: after these nobody can say that the sequence goes on. */
function endsSequence(word: number): boolean {
  if ((word & 0xfc00_0000) >>> 0 === 0x9400_0000) return true;
  if (word >>> 25 === 0b1101011) return true;
  return word >>> 24 === 0xd4 || word === (0xd503207f | 0) || word === (0xd503205f | 0);
}

/**
 * Where the sequence is left that began with the load-exclusive right before `after`: behind the store-exclusive, at every branch out of it,
 * and at the vectors, where an exception of one of its instructions goes. Undefined when there is no load-exclusive, or no
 * store-exclusive that belongs to it.
 */
export function arm64ExclusiveSequence(
  vcpu: Vcpu,
  after: bigint,
  read: ReadMemory,
): readonly bigint[] | undefined {
  const pc = BigInt.asUintN(64, after - 4n);
  const first = wordAt(pc, read);
  if (first === undefined || !isExclusive(first) || !isLoad(first)) return undefined;
  const targets: number[] = [];
  for (let at = 4; at < mostInstructions * 4; at += 4) {
    const word = wordAt(pc + BigInt(at), read);
    if (word === undefined || endsSequence(word)) return undefined;
    const branch = branchDistance(word);
    if (branch !== undefined) targets.push(at + branch.distance);
    // What follows an unconditional branch is reached from elsewhere only.
    if (branch?.always === true) return undefined;
    if (!isExclusive(word)) continue;
    if (isLoad(word)) return undefined;
    const end = at + 4;
    const outside = targets.filter((target) => target <= 0 || target >= end);
    const exits = [end, ...outside].map((offset) => BigInt.asUintN(64, pc + BigInt(offset)));
    return [...new Set([...exits, ...vectors(vcpu)])];
  }
  return undefined;
}

/** Where synchronous exceptions and interrupts of the present level go. Arm ARM D1.3.1.5. */
function vectors(vcpu: Vcpu): readonly bigint[] {
  const mode = vcpu.getOneReg(arm64Reg.pstate) & 0xfn;
  const group = mode === 0n ? 0x400n : mode === 4n ? 0n : 0x200n;
  const base = vcpu.getOneReg(vbar) + group;
  return [0x000n, 0x080n, 0x100n, 0x180n].map((kind) => BigInt.asUintN(64, base + kind));
}

function wordAt(address: bigint, read: ReadMemory): number | undefined {
  const bytes = read(address, 4);
  if (bytes === undefined || bytes.length < 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
}
