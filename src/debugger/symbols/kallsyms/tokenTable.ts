import { type KallsymsBlob, LABEL_ALIGNMENTS, SearchBudget } from "./blob.ts";

/** `kallsyms_token_table` with its index: the strings that the 256 byte values of a compressed name stand for. */
export interface TokenTable {
  /** Offset of the first token. */
  readonly start: number;
  /** Offset of `kallsyms_token_index`. */
  readonly index: number;
  /** Token of each byte value, as raw bytes one per character (Latin-1). */
  readonly tokens: readonly string[];
}

const TOKENS = 256;
const INDEX_SIZE = TOKENS * 2;
/** Longest token accepted. Tokens grow by pairing, real ones stay below 32 bytes. */
const LONGEST_TOKEN = 512;
const WIDEST_GAP = Math.max(...LABEL_ALIGNMENTS);

function isIndex(blob: KallsymsBlob, at: number): boolean {
  let previous = 0;
  for (let token = 1; token < TOKENS; token++) {
    const offset = blob.u16(at + token * 2);
    if (offset <= previous || offset - previous > LONGEST_TOKEN) return false;
    previous = offset;
  }
  return true;
}

function readTokens(blob: KallsymsBlob, start: number, index: number): readonly string[] | undefined {
  const { bytes } = blob;
  for (let token = 1; token < TOKENS; token++) {
    if (bytes[start + blob.u16(index + token * 2) - 1] !== 0) return undefined;
  }
  const tokens: string[] = [];
  for (let token = 0; token < TOKENS; token++) {
    const from = start + blob.u16(index + token * 2);
    const limit = token + 1 < TOKENS ? start + blob.u16(index + (token + 1) * 2) : index;
    let text = "";
    let at = from;
    for (; at < limit && bytes[at] !== 0; at++) text += String.fromCharCode(bytes[at] ?? 0);
    if (at >= limit) return undefined;
    if (token + 1 < TOKENS && at !== limit - 1) return undefined;
    if (token + 1 === TOKENS && index - (at + 1) >= WIDEST_GAP) return undefined;
    tokens.push(text);
  }
  return tokens;
}

/** The table that the index at `index` describes stands right before it, up to a label's alignment. */
function tableBefore(blob: KallsymsBlob, index: number, budget: SearchBudget): TokenTable | undefined {
  const last = blob.u16(index + INDEX_SIZE - 2);
  // The last token takes 1 to LONGEST_TOKEN + 1 bytes, then come 0 to WIDEST_GAP - 1 bytes of padding.
  const highest = index - last - 1;
  const lowest = Math.max(0, highest - LONGEST_TOKEN - WIDEST_GAP);
  for (let start = highest - (highest % 4); start >= lowest; start -= 4) {
    if (!budget.take(1)) return undefined;
    if (start > 0 && blob.bytes[start + blob.u16(index + 2) - 1] !== 0) continue;
    if (!budget.take(TOKENS)) return undefined;
    const tokens = readTokens(blob, start, index);
    if (tokens !== undefined) return { start, index, tokens };
  }
  return undefined;
}

/** Every place that is structurally a token table, in order of address; usually one. */
export function* findTokenTables(blob: KallsymsBlob): Generator<TokenTable> {
  const end = blob.length - INDEX_SIZE;
  const budget = new SearchBudget(1_000_000 + blob.length * 16);
  for (let at = 0; at <= end; at += 4) {
    // index[0] is 0 and index[1] the length of the first token and its NUL.
    if (blob.u16(at) !== 0) continue;
    const second = blob.u16(at + 2);
    if (second === 0 || second > LONGEST_TOKEN) continue;
    if (!isIndex(blob, at)) continue;
    const table = tableBefore(blob, at, budget);
    if (table !== undefined) yield table;
  }
}
