import { engineWords, memoryMap, recordPage } from "./layout.ts";

/** Address in the machine's WebAssembly memory. */
export type HostAddress = number;

const wasmPage = 65536;

/** Limits, in pages of 64 KiB, that the memory of every machine is within: generated code imports a memory of these. */
export const anyMemoryPages = { minimum: 1, maximum: 65536 } as const;

/** A request for more memory than one WebAssembly memory can address. */
export class EngineMemoryError extends Error {
  override readonly name = "EngineMemoryError";
}

/** The one memory of a machine: engine areas below, guest RAM above. */
export class EngineMemory {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly halfwords: Uint16Array;
  readonly doublewords: BigInt64Array;
  /** Where guest RAM begins; a multiple of 64 KiB. */
  readonly ramBase: HostAddress;
  readonly recordPages: number;

  /**
   * @param ramBytes guest RAM in all, at most 4 GiB less the engine's own areas
   * @param recordPages how many pages of decoded records to keep
   * @throws EngineMemoryError when that does not fit or the host has no memory for it
   */
  constructor(ramBytes: number, recordPages = 4096) {
    this.recordPages = recordPages;
    this.ramBase = Math.ceil((memoryMap.records + recordPages * recordPage.bytes) / wasmPage) * wasmPage;
    const pages = Math.ceil((this.ramBase + ramBytes) / wasmPage);
    if (pages > 65536) {
      throw new EngineMemoryError(
        `guest memory of ${ramBytes} bytes is too large: at most ${65536 * wasmPage - this.ramBase} bytes fit`,
      );
    }
    try {
      this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    } catch {
      throw new EngineMemoryError(`the host has no room for guest memory of ${ramBytes} bytes`);
    }
    const buffer = this.memory.buffer;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
    this.halfwords = new Uint16Array(buffer);
    this.doublewords = new BigInt64Array(buffer);
  }

  /** Bits 31:0 of a 64-bit integer, signed; `highHalf` gives the others. Arithmetic on bigints takes many times as long. */
  lowHalf(value: bigint): number {
    this.doublewords[engineWords.scratch >>> 3] = value;
    return this.words[engineWords.scratch >>> 2] ?? 0;
  }

  /** Bits 63:32 of what `lowHalf` was asked for last, signed. */
  get highHalf(): number {
    return this.words[(engineWords.scratch >>> 2) + 1] ?? 0;
  }
}
