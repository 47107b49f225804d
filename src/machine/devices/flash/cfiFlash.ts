import type { AccessSize, MmioDevice, Saveable } from "../../device.ts";
import { readByWords } from "../wordAccess.ts";
import { blockBytes, bufferBytes, cfiAnswer, cfiByte, identity } from "./cfiQuery.ts";

/** Commands of Intel's command set (28F256J3 data sheet, "Command definitions"); both chips get the same. */
const command = {
  readArray: 0xff,
  readIdentifier: 0x90,
  query: 0x98,
  readStatus: 0x70,
  clearStatus: 0x50,
  program: [0x10, 0x40],
  erase: 0x20,
  bufferedProgram: 0xe8,
  lock: 0x60,
  confirm: 0xd0,
} as const;

/** Bits of a chip's status register. */
const status = { ready: 0x80, eraseError: 0x20, programError: 0x10 } as const;

/** Both errors at once: the commands were not in their order. */
const commandSequenceError = status.eraseError | status.programError;

/** What a read gives. */
type View = "array" | "identifier" | "query" | "status";

/** What the next write is for. */
type Expecting =
  | { readonly kind: "command" }
  | { readonly kind: "programData" }
  | { readonly kind: "eraseConfirm" }
  | { readonly kind: "lockMode" }
  | { readonly kind: "bufferCount"; readonly block: number }
  | { readonly kind: "bufferData"; readonly block: number; readonly left: number }
  | { readonly kind: "bufferConfirm"; readonly block: number };

/** What a bank of flash remembers. */
export interface CfiFlashState {
  readonly view: View;
  readonly status: number;
  readonly expecting: Expecting;
  readonly writes: readonly BufferedWrite[];
  /** The blocks that hold something, by number. */
  readonly blocks: readonly (readonly [number, Uint8Array])[];
}

interface BufferedWrite {
  readonly offset: number;
  readonly size: AccessSize;
  readonly value: bigint;
}

const idle: Expecting = { kind: "command" };

/**
 * A bank of NOR flash: two 16-bit chips side by side with Intel's command set, as firmware keeps its variables in. An operation is
 * complete at once. Erased bytes are 0xFF; programming only clears bits.
 */
export class CfiFlash implements MmioDevice, Saveable<CfiFlashState> {
  readonly name = "flash";
  readonly #answer: readonly number[];
  readonly #blocks = new Map<number, Uint8Array>();
  #view: View = "array";
  #status: number = status.ready;
  #expecting: Expecting = idle;
  #writes: BufferedWrite[] = [];

  /** @param bytes size of the bank: a power of two of at least 256 KiB. */
  constructor(bytes: number) {
    this.#answer = cfiAnswer(bytes);
  }

  read(offset: number, size: AccessSize): bigint {
    if (this.#view === "array") return this.#array(offset, size);
    return readByWords(offset, size, (at) => bothChips(this.#register(at >>> 2)));
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    const byte = Number(value & 0xffn);
    const expecting = this.#expecting;
    switch (expecting.kind) {
      case "command":
        this.#command(offset, byte);
        return;
      case "programData":
        this.#program({ offset, size, value });
        this.#expecting = idle;
        return;
      case "eraseConfirm":
        this.#expecting = idle;
        if (byte === command.confirm) this.#blocks.delete(Math.floor(offset / blockBytes));
        else this.#status |= commandSequenceError;
        return;
      case "lockMode":
        // Locks are accepted and have no effect.
        this.#expecting = idle;
        return;
      case "bufferCount": {
        // A chip counts its own 16-bit words, less one; a write of 32 bits is one word for each.
        const left = Number(value & 0xffffn) + 1;
        this.#writes = [];
        const fits = left <= bufferBytes / 4;
        if (!fits) this.#status |= commandSequenceError;
        this.#expecting = fits ? { kind: "bufferData", block: expecting.block, left } : idle;
        return;
      }
      case "bufferData": {
        this.#writes.push({ offset, size, value });
        const left = expecting.left - (size === 8 ? 2 : 1);
        const { block } = expecting;
        this.#expecting = left > 0 ? { kind: "bufferData", block, left } : { kind: "bufferConfirm", block };
        return;
      }
      case "bufferConfirm": {
        const inside = this.#writes.every((each) => Math.floor(each.offset / blockBytes) === expecting.block);
        if (byte === command.confirm && inside) for (const each of this.#writes) this.#program(each);
        else this.#status |= byte === command.confirm ? status.programError : commandSequenceError;
        this.#writes = [];
        this.#expecting = idle;
      }
    }
  }

  /** Power-on state: the contents stay. */
  reset(): void {
    this.#view = "array";
    this.#status = status.ready;
    this.#expecting = idle;
    this.#writes = [];
  }

  save(): CfiFlashState {
    return {
      view: this.#view,
      status: this.#status,
      expecting: this.#expecting,
      writes: [...this.#writes],
      blocks: [...this.#blocks].map(([number, bytes]) => [number, bytes.slice()] as const),
    };
  }

  load(state: CfiFlashState): void {
    this.#view = state.view;
    this.#status = state.status;
    this.#expecting = state.expecting;
    this.#writes = [...state.writes];
    this.#blocks.clear();
    for (const [number, bytes] of state.blocks) this.#blocks.set(number, bytes.slice());
  }

  #command(offset: number, byte: number): void {
    switch (byte) {
      case command.readIdentifier:
        this.#view = "identifier";
        return;
      case command.query:
        this.#view = "query";
        return;
      case command.readStatus:
        this.#view = "status";
        return;
      case command.clearStatus:
        this.#status = status.ready;
        return;
      case command.program[0]:
      case command.program[1]:
        this.#begin({ kind: "programData" });
        return;
      case command.erase:
        this.#begin({ kind: "eraseConfirm" });
        return;
      case command.bufferedProgram:
        this.#begin({ kind: "bufferCount", block: Math.floor(offset / blockBytes) });
        return;
      case command.lock:
        this.#begin({ kind: "lockMode" });
        return;
      default:
        // Read array, and what is no command.
        this.#view = "array";
    }
  }

  #begin(expecting: Expecting): void {
    this.#view = "status";
    this.#expecting = expecting;
  }

  /** What a chip answers at a word of its own, when it does not give its contents. */
  #register(word: number): number {
    switch (this.#view) {
      case "identifier":
        return word === 0 ? identity.manufacturer : word === 1 ? identity.device : 0;
      case "query":
        return cfiByte(this.#answer, word);
      default:
        return this.#status;
    }
  }

  #array(offset: number, size: AccessSize): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) {
      const at = offset + i;
      const byte = this.#blocks.get(Math.floor(at / blockBytes))?.[at % blockBytes] ?? 0xff;
      value = (value << 8n) | BigInt(byte);
    }
    return value;
  }

  #program({ offset, size, value }: BufferedWrite): void {
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      const number = Math.floor(at / blockBytes);
      const block = this.#blocks.get(number) ?? new Uint8Array(blockBytes).fill(0xff);
      this.#blocks.set(number, block);
      block[at % blockBytes] = (block[at % blockBytes] ?? 0) & Number((value >> BigInt(8 * i)) & 0xffn);
    }
  }
}

/** A 32-bit word of the bank, both of whose chips give the same 16 bits. */
function bothChips(halfword: number): number {
  return ((halfword << 16) | halfword) >>> 0;
}
