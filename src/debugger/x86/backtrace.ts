import type { Vcpu } from "../../kvm/interface.ts";
import { x86RegisterId } from "../../kvm/x86Registers.ts";
import type { Backtrace, StackFrame, UnwindEnd } from "../symbols/arm64/unwind.ts";
import type { ReadMemory } from "../symbols/readMemory.ts";
import type { SymbolLocation, SymbolTable } from "../symbols/symbolTable.ts";
import { x86ModeOf } from "./mode.ts";

const pcId = x86RegisterId("linear_pc");
const rspId = x86RegisterId("rsp");
const rbpId = x86RegisterId("rbp");

const usualMost = 256;
/** PUSH RBP and MOV RBP, RSP, with which a function that keeps frames begins, perhaps behind ENDBR64. */
const pushRbp = 0x55;
const movRbpRsp = [0x89, 0xe5] as const;
const endbr64 = [0xf3, 0x0f, 0x1e, 0xfa] as const;

/** How much of a frame the function at `pc` has not set up yet: what is between RSP and its return address; undefined: nothing. */
function unset(pc: bigint, read: ReadMemory, word: number): bigint | undefined {
  const begins = (at: bigint, bytes: readonly number[]): boolean => {
    const found = read(at, bytes.length);
    return found !== undefined && bytes.every((byte, i) => found[i] === byte);
  };
  if (begins(pc, [pushRbp]) || begins(pc, [...endbr64, pushRbp])) return 0n;
  const mov = word === 8 ? [0x48, ...movRbpRsp] : movRbpRsp;
  return begins(pc - 1n, [pushRbp, ...mov]) ? BigInt(word) : undefined;
}

/** A return address belongs to the function that made the call, even when the call was its last instruction. */
function locateReturn(symbols: SymbolTable | undefined, address: bigint): SymbolLocation | undefined {
  const call = symbols?.locate(address - 1n);
  return call === undefined ? symbols?.locate(address) : { symbol: call.symbol, offset: call.offset + 1 };
}

/**
 * The call stack by frame pointers: RBP points to the caller's RBP, and the return address is behind it. Functions without a frame
 * are left out, which nothing tells; so only the innermost frame is certain, and the caller of a function that has not begun.
 */
export function backtraceX86(
  vcpu: Vcpu,
  read: ReadMemory,
  symbols: SymbolTable | undefined,
  mostFrames = usualMost,
): Backtrace {
  const mode = x86ModeOf(vcpu);
  const bytes = mode.codeBits === 64 ? 8 : 4;
  const word = (address: bigint): bigint | undefined => {
    const found = read(address, bytes);
    return found?.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  };
  const pc = vcpu.getOneReg(pcId);
  let fp = vcpu.getOneReg(rbpId);
  const location = symbols?.locate(pc);
  const frames: StackFrame[] = [{ pc, fp, source: "pc", isCertain: true, location }];
  // Frames of 16 bits are nobody's convention.
  if (mode.codeBits === 16) return { frames, end: "end" };
  const distance = unset(pc, read, bytes);
  if (distance !== undefined) {
    const caller = word(vcpu.getOneReg(rspId) + distance);
    if (caller !== undefined && caller !== 0n)
      frames.push({
        pc: caller,
        fp,
        source: "frame-record",
        isCertain: true,
        location: locateReturn(symbols, caller),
      });
  }
  let end: UnwindEnd = "limit";
  while (frames.length < mostFrames) {
    if (fp === 0n) {
      end = "end";
      break;
    }
    if (fp % BigInt(bytes) !== 0n) {
      end = "misaligned";
      break;
    }
    const [next, caller] = [word(fp), word(fp + BigInt(bytes))];
    if (next === undefined || caller === undefined) {
      end = "unreadable";
      break;
    }
    if (caller === 0n) {
      end = "end";
      break;
    }
    frames.push({
      pc: caller,
      fp: next,
      source: "frame-record",
      isCertain: false,
      location: locateReturn(symbols, caller),
    });
    // The stack grows down: a caller's frame is above.
    if (next !== 0n && next <= fp) {
      end = "loop";
      break;
    }
    fp = next;
  }
  return { frames, end };
}
