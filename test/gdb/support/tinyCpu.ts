/** A handful of A64 instructions: enough for a guest that counts, calls, stores and powers off. */

/** One vCPU of the tiny machine. */
export interface TinyCpu {
  /** x0–x30, then sp. */
  readonly x: BigUint64Array;
  pc: bigint;
  /** NZCV as in PSTATE, and EL1h. */
  pstate: number;
  /** v0–v31. */
  readonly v: Uint8Array;
}

/** Where the RAM is. Everything else is unmapped. */
export const RAM_START = 0x4000_0000n;
export const RAM_BYTES = 0x1_0000;

export type TinyExit =
  | { readonly kind: "ok" }
  | { readonly kind: "brk" }
  | { readonly kind: "undefined" }
  | { readonly kind: "abort"; readonly address: bigint }
  | { readonly kind: "watch"; readonly address: bigint; readonly access: "read" | "write" }
  | { readonly kind: "off"; readonly status: number };

export interface TinyMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Undefined: not watched. */
  watched(address: bigint, write: boolean): boolean;
}

const OK: TinyExit = { kind: "ok" };

export function newCpu(): TinyCpu {
  return { x: new BigUint64Array(32), pc: RAM_START, pstate: 0x3c5, v: new Uint8Array(512) };
}

/** Offset in RAM of `bytes` bytes at `address`, or undefined. */
export function ramOffset(address: bigint, bytes: number): number | undefined {
  const offset = address - RAM_START;
  return offset >= 0n && offset + BigInt(bytes) <= BigInt(RAM_BYTES) ? Number(offset) : undefined;
}

function signExtend(value: number, bits: number): bigint {
  return BigInt.asIntN(bits, BigInt(value));
}

function compare(cpu: TinyCpu, left: bigint, right: bigint): void {
  const result = BigInt.asUintN(64, left - right);
  const overflow = BigInt.asIntN(64, left) - BigInt.asIntN(64, right) !== BigInt.asIntN(64, result);
  const flags =
    (result >> 63n ? 8 : 0) | (result === 0n ? 4 : 0) | (left >= right ? 2 : 0) | (overflow ? 1 : 0);
  cpu.pstate = (cpu.pstate & 0x0fff_ffff) | (flags << 28);
}

/** Executes one instruction. Anything but "ok" and "off" leaves the vCPU as it was. */
export function stepCpu(cpu: TinyCpu, memory: TinyMemory): TinyExit {
  const at = ramOffset(cpu.pc, 4);
  if (at === undefined) return { kind: "abort", address: cpu.pc };
  const word = memory.view.getUint32(at, true);
  const rd = word & 31;
  const rn = (word >>> 5) & 31;
  const next = cpu.pc + 4n;
  const opcode = word >>> 24;
  switch (opcode) {
    case 0x91: // ADD Xd|SP, Xn|SP, #imm
    case 0xd1: {
      // SUB
      const value = BigInt((word >>> 10) & 0xfff) << (word & 0x40_0000 ? 12n : 0n);
      cpu.x[rd] = (cpu.x[rn] ?? 0n) + (opcode === 0x91 ? value : -value);
      break;
    }
    case 0xf1: // SUBS Xd, Xn, #imm; Xd 31 is XZR
      compare(cpu, cpu.x[rn] ?? 0n, BigInt((word >>> 10) & 0xfff));
      if (rd !== 31) cpu.x[rd] = (cpu.x[rn] ?? 0n) - BigInt((word >>> 10) & 0xfff);
      break;
    case 0xd2: // MOVZ
    case 0xf2: {
      // MOVK
      const shift = BigInt(((word >>> 21) & 3) * 16);
      const value = BigInt((word >>> 5) & 0xffff) << shift;
      cpu.x[rd] = opcode === 0xd2 ? value : ((cpu.x[rd] ?? 0n) & ~(0xffffn << shift)) | value;
      break;
    }
    case 0xb4: // CBZ
    case 0xb5: // CBNZ
      if (((cpu.x[rd] ?? 0n) === 0n) === (opcode === 0xb4)) {
        cpu.pc += signExtend((word >>> 5) & 0x7_ffff, 19) * 4n;
        return OK;
      }
      break;
    case 0x54: // B.NE, B.EQ
      if ((((cpu.pstate >>> 30) & 1) === 1) === ((word & 15) === 0)) {
        cpu.pc += signExtend((word >>> 5) & 0x7_ffff, 19) * 4n;
        return OK;
      }
      break;
    case 0xf9: {
      // LDR, STR Xt, [Xn|SP, #imm]
      const address = (cpu.x[rn] ?? 0n) + BigInt(((word >>> 10) & 0xfff) * 8);
      const offset = ramOffset(address, 8);
      if (offset === undefined) return { kind: "abort", address };
      const load = (word & 0x40_0000) !== 0;
      if (memory.watched(address, !load)) {
        return { kind: "watch", address, access: load ? "read" : "write" };
      }
      if (load) cpu.x[rd] = memory.view.getBigUint64(offset, true);
      else memory.view.setBigUint64(offset, rd === 31 ? 0n : (cpu.x[rd] ?? 0n), true);
      break;
    }
    case 0xd6: // RET
      cpu.pc = cpu.x[rn] ?? 0n;
      return OK;
    case 0xd4:
      if ((word & 0xffe0_001f) === (0xd420_0000 | 0)) return { kind: "brk" };
      if ((word & 0xffe0_001f) === (0xd440_0000 | 0)) {
        return { kind: "off", status: (word >>> 5) & 0xff };
      }
      return { kind: "undefined" };
    case 0xd5:
      if (word !== 0xd503_201f) return { kind: "undefined" };
      break;
    default: {
      const branch = opcode & 0xfc;
      if (branch !== 0x14 && branch !== 0x94) return { kind: "undefined" };
      if (branch === 0x94) cpu.x[30] = next;
      cpu.pc += signExtend(word & 0x3ff_ffff, 26) * 4n;
      return OK;
    }
  }
  cpu.pc = next;
  return OK;
}
