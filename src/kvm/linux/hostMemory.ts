import type { Libc } from "./ffi/libc.ts";

/** Host memory that JavaScript sees without copying: guest RAM, `kvm_run`, arguments of ioctls. */
export class HostMemory {
  /** Where it is in this process. */
  readonly address: number;
  readonly size: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly #libc: Libc;
  #released = false;

  private constructor(libc: Libc, address: number, size: number) {
    this.#libc = libc;
    this.address = address;
    this.size = size;
    const buffer = libc.viewMapping(address, size);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Zeroed memory. @param size bytes, a multiple of the page size @throws KvmError ENOMEM */
  static allocate(libc: Libc, size: number): HostMemory {
    return new HostMemory(libc, libc.mapAnonymous(size), size);
  }

  /** What a device shares. @throws KvmError */
  static ofFile(libc: Libc, file: number, size: number): HostMemory {
    return new HostMemory(libc, libc.mapFile(file, size), size);
  }

  /**
   * Gives the pages back now. The address range itself stays, reading as zeros, as long as a view of it can be reached:
   * a view that outlives its guest must not be able to crash the program.
   */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#libc.replaceByAnonymous(this.address, this.size);
  }
}
