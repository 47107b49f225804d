import type { ReadMemory } from "../readMemory.ts";
import { type InstructionKind, instructionKind } from "./instructionKind.ts";

/**
 * Where the caller of the code at an address is found:
 * - `link-register`: x30 holds the return address and x29 is still (or again) the caller's frame;
 * - `frame-record`: x29 points at this function's own record {x29, x30};
 * - `lost`: x29 is the caller's frame and x30 has been overwritten by a call: the caller itself cannot be told.
 */
export type FrameState = "link-register" | "frame-record" | "lost";

/** `stored`: the record is on the stack, x29 does not point at it yet; x30 is still good. */
type InnerState = FrameState | "stored";

/** Instructions that are looked at in one function; larger ones are judged by their beginning. */
const MOST_INSTRUCTIONS = 16_384;
/** Instructions looked back at when nobody knows where the function begins. */
const LOOK_BACK = 64;

function after(state: InnerState, { kind }: InstructionKind): InnerState {
  switch (kind) {
    case "store-record":
      return state === "link-register" ? "stored" : state;
    case "set-frame":
      return state === "stored" ? "frame-record" : state;
    case "load-record":
      return "link-register";
    case "call":
      return state === "frame-record" ? state : "lost";
    case "other":
    case "save-link":
    case "landing":
    case "leave":
    case "jump":
    case "branch":
      return state;
  }
}

function outer(state: InnerState): FrameState {
  return state === "stored" ? "link-register" : state;
}

/** Walks all paths from the function's first instruction; the state on reaching `target`, undefined if none does. */
function walk(words: readonly InstructionKind[], target: number, entry: InnerState): InnerState | undefined {
  const states = new Array<InnerState | undefined>(words.length);
  const pending: { index: number; state: InnerState }[] = [{ index: 0, state: entry }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    let { index, state } = next;
    while (index >= 0 && index < words.length && states[index] === undefined) {
      states[index] = state;
      if (index === target) return state;
      const instruction = words[index];
      if (instruction === undefined || instruction.kind === "leave") break;
      state = after(state, instruction);
      if (instruction.kind === "jump") {
        index += instruction.distance / 4;
        continue;
      }
      if (instruction.kind === "branch") pending.push({ index: index + instruction.distance / 4, state });
      index++;
    }
  }
  return undefined;
}

/** Code that no direct branch reaches (a jump table's target) runs with the frame, if the function makes one. */
function unreached(words: readonly InstructionKind[], target: number, entry: InnerState): InnerState {
  let state = entry;
  for (const instruction of words.slice(0, target)) {
    if (instruction.kind === "load-record") continue;
    state = after(state, instruction);
  }
  return state;
}

function decode(bytes: Uint8Array): InstructionKind[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kinds = Array.from({ length: bytes.length >> 2 }, (_, index) =>
    instructionKind(view.getInt32(index * 4, true)),
  );
  // Linux Documentation/trace/ftrace-design.rst: "mov x9, x30" and a call that returns with x30 as it was.
  return kinds.map((instruction, index) =>
    instruction.kind === "call" && kinds[index - 1]?.kind === "save-link" ? { kind: "other" } : instruction,
  );
}

/** What the instructions right before an address suggest when the function's beginning is unknown. */
function guess(pc: bigint, read: ReadMemory): FrameState {
  for (let back = 1; back <= LOOK_BACK; back++) {
    const bytes = read(pc - BigInt(back * 4), 4);
    const kind = bytes === undefined || bytes.length < 4 ? undefined : decode(bytes)[0]?.kind;
    switch (kind) {
      case undefined:
      case "set-frame":
      case "call":
        return "frame-record";
      case "store-record":
      case "load-record":
      case "landing":
      case "leave":
        return "link-register";
      default:
    }
  }
  return "frame-record";
}

/** The function around an address. `size` in bytes; `isFragment`: entered by a jump from another with its frame. */
export interface FunctionExtent {
  readonly start: bigint;
  readonly size: number;
  readonly isFragment: boolean;
}

/**
 * Whether the frame of the code at `pc` is set up, by following the function's instructions (AAPCS64 "The Frame
 * Pointer": a record of x29 and x30, x29 pointing at it).
 * @param pc address of the instruction that runs next.
 * @param extent undefined when unknown; then the instructions before `pc` decide.
 */
export function frameState(pc: bigint, extent: FunctionExtent | undefined, read: ReadMemory): FrameState {
  if (extent === undefined || extent.start > pc) return guess(pc, read);
  const entry: InnerState = extent.isFragment ? "frame-record" : "link-register";
  if (extent.start === pc) return entry === "frame-record" ? entry : "link-register";
  const distance = Number(pc - extent.start);
  const count = Math.min(MOST_INSTRUCTIONS, Math.max(extent.size, distance + 4) >> 2);
  const target = distance >> 2;
  if (target >= count) return "frame-record";
  const bytes = read(extent.start, count * 4) ?? read(extent.start, (target + 1) * 4);
  if (bytes === undefined || bytes.length < (target + 1) * 4) return guess(pc, read);
  const words = decode(bytes);
  return outer(walk(words, target, entry) ?? unreached(words, target, entry));
}
