import type { ReadMemory } from "../readMemory.ts";
import type { SymbolLocation, SymbolTable } from "../symbolTable.ts";
import { interruptedContext } from "./exceptionFrame.ts";
import { type FunctionExtent, frameState } from "./frameState.ts";
import { type AddressWidths, DEFAULT_WIDTHS, isUpperHalf, stripPointerAuthentication } from "./pointer.ts";

/** Where to begin: the registers of a stopped CPU. */
export interface UnwindStart {
  readonly pc: bigint;
  /** x29. */
  readonly fp: bigint;
  /** x30. */
  readonly lr: bigint;
  /**
   * ELR_EL1. Needed only to see past the first instructions of an exception's entry code, where what was
   * interrupted is in no other place yet; used only there.
   */
  readonly exceptionLink?: bigint;
}

/** One frame of a backtrace, innermost first. */
export interface StackFrame {
  /** Address that runs next in this frame: the PC, a return address (authentication code removed) or an exception's ELR. */
  readonly pc: bigint;
  /** x29 as this frame's function had it: known for all frames but one whose caller was lost. */
  readonly fp: bigint;
  /** How it was found. */
  readonly source: "pc" | "link-register" | "frame-record" | "exception";
  /** False when frames may be missing before this one. */
  readonly isCertain: boolean;
  /** The function, looked up at the call rather than behind it for return addresses. */
  readonly location: SymbolLocation | undefined;
}

/** Why a backtrace ends: `end` is the normal one (a record of zeros); the others say what was wrong with the next. */
export type UnwindEnd = "end" | "unreadable" | "misaligned" | "not-code" | "other-half" | "loop" | "limit";

/** A backtrace and why it stops where it does. */
export interface Backtrace {
  readonly frames: readonly StackFrame[];
  readonly end: UnwindEnd;
}

/** What may be given besides the registers. */
export interface UnwindOptions {
  /** Symbols with the slide applied. Without them, whether a frame is set up is guessed. */
  readonly symbols?: SymbolTable;
  /** Default: 48 bits each. */
  readonly widths?: AddressWidths;
  /** Default 256. */
  readonly mostFrames?: number;
}

/** Linux's entry code for exceptions from EL1 (arch/arm64/kernel/entry.S; before 5.14 without "h_64"). */
const EXCEPTION_ENTRY = /^(vectors|el1([ht]_64)?_(sync|irq|fiq|error)(_invalid)?)$/;

/** Linux 6.13, asm/stacktrace/frame.h: what the word behind a record {0, 0} says. */
const META_PT_REGS = 2n;

function readPair(read: ReadMemory, address: bigint): [bigint, bigint] | undefined {
  const bytes = read(address, 16);
  if (bytes === undefined || bytes.length < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)];
}

function extentOf(location: SymbolLocation | undefined): FunctionExtent | undefined {
  if (location === undefined) return undefined;
  const { symbol } = location;
  return { start: symbol.address, size: symbol.size, isFragment: /\.cold(\.|$)/.test(symbol.name) };
}

/** A return address belongs to the function that made the call, even when the call was its last instruction. */
function locateReturn(symbols: SymbolTable | undefined, address: bigint): SymbolLocation | undefined {
  const call = symbols?.locate(address - 4n);
  return call === undefined ? symbols?.locate(address) : { symbol: call.symbol, offset: call.offset + 4 };
}

class Unwinder {
  readonly frames: StackFrame[] = [];
  readonly #read: ReadMemory;
  readonly #symbols: SymbolTable | undefined;
  readonly #widths: AddressWidths;
  readonly #most: number;
  readonly #visited = new Set<bigint>();
  #isCertain = true;

  constructor(read: ReadMemory, options: UnwindOptions) {
    this.#read = read;
    this.#symbols = options.symbols;
    this.#widths = options.widths ?? DEFAULT_WIDTHS;
    this.#most = options.mostFrames ?? 256;
  }

  /** Adds the frame that an exact address (not a return address) is in, and its caller if x30 holds it. */
  #enter(context: UnwindStart, source: "pc" | "exception"): UnwindEnd | undefined {
    const { pc, fp } = context;
    const location = this.#symbols?.locate(pc);
    this.frames.push({ pc, fp, source, isCertain: this.#isCertain, location });
    this.#isCertain = true;
    if (this.frames.length >= this.#most) return "limit";
    const state = frameState(pc, extentOf(location), this.#read);
    const link = context.exceptionLink;
    if (link !== undefined && state !== "frame-record" && EXCEPTION_ENTRY.test(location?.symbol.name ?? "")) {
      return this.#isCode(link, pc)
        ? this.#enter({ pc: link, fp, lr: context.lr }, "exception")
        : "other-half";
    }
    switch (state) {
      case "frame-record":
        return undefined;
      case "lost":
        this.#isCertain = false;
        return undefined;
      case "link-register":
        return this.#enterCaller(context, location !== undefined);
    }
  }

  #enterCaller({ pc, fp, lr }: UnwindStart, isKnown: boolean): UnwindEnd | undefined {
    const caller = stripPointerAuthentication(lr, this.#widths);
    if (!this.#isCode(caller, pc)) return undefined;
    // Where it is only guessed that there is no record yet, a record that holds the same address says otherwise.
    if (!isKnown && readPair(this.#read, fp)?.[1] === lr) return undefined;
    return this.#push(caller, fp, "link-register");
  }

  #push(pc: bigint, fp: bigint, source: "link-register" | "frame-record"): UnwindEnd | undefined {
    this.frames.push({
      pc,
      fp,
      source,
      isCertain: this.#isCertain,
      location: locateReturn(this.#symbols, pc),
    });
    this.#isCertain = true;
    return this.frames.length >= this.#most ? "limit" : undefined;
  }

  #isCode(address: bigint, from: bigint): boolean {
    return address > 0xfffn && address % 4n === 0n && isUpperHalf(address) === isUpperHalf(from);
  }

  run(start: UnwindStart): UnwindEnd {
    let { pc, fp } = start;
    let end = this.#enter(start, "pc");
    while (end === undefined) {
      if (fp === 0n) return "end";
      if (fp % 8n !== 0n) return "misaligned";
      if (isUpperHalf(fp) !== isUpperHalf(pc)) return "other-half";
      if (this.#visited.has(fp)) return "loop";
      this.#visited.add(fp);
      const record = readPair(this.#read, fp);
      if (record === undefined) return "unreadable";
      const isEmpty = record[0] === 0n && record[1] === 0n;
      if (isEmpty && !this.#isExceptionMark(fp)) return "end";
      const context = interruptedContext(fp, record, isEmpty, this.#read);
      if (context !== undefined) {
        if (!this.#isCode(context.pc, pc)) return "other-half";
        ({ pc, fp } = context);
        end = this.#enter(context, "exception");
        continue;
      }
      if (isEmpty) return "end";
      const caller = stripPointerAuthentication(record[1], this.#widths);
      if (record[1] === 0n) return "end";
      if (!this.#isCode(caller, pc)) return "not-code";
      pc = caller;
      fp = record[0];
      end = this.#push(pc, fp, "frame-record");
    }
    return end;
  }

  #isExceptionMark(record: bigint): boolean {
    const mark = readPair(this.#read, record + 16n) ?? [0n, 0n];
    return mark[0] === META_PT_REGS;
  }
}

/**
 * The call stack of stopped arm64 code, by its chain of frame records, beginning rightly where the innermost
 * function has no record of its own (at its entry, in its epilogue, in a leaf), and going on through exceptions
 * that interrupted the kernel. Never throws and always ends, whatever the stack contains.
 * @param read virtual memory in the translation regime of `start.pc`.
 */
export function unwind(start: UnwindStart, read: ReadMemory, options: UnwindOptions = {}): Backtrace {
  const unwinder = new Unwinder(read, options);
  const end = unwinder.run(start);
  return { frames: unwinder.frames, end };
}
