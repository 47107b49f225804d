import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SystemRegisterEncoding } from "../../../src/machine/interruptController.ts";

const UART = 0x900_0000n;
const PSCI_SYSTEM_OFF = 0x8400_0008n;

/** A bare-metal arm64 program put together instruction by instruction: what it shows goes out through the UART, 8 bytes each. */
export class Guest {
  readonly #code: number[] = [];

  /** x`register` = value. */
  set(register: number, value: bigint): this {
    for (let part = 0; part < 4; part += 1) {
      const half = Number((value >> BigInt(part * 16)) & 0xffffn);
      // MOVZ, then MOVK.
      if (part === 0) this.#code.push((0xd280_0000 | (half << 5) | register) >>> 0);
      else if (half !== 0) this.#code.push((0xf280_0000 | (part << 21) | (half << 5) | register) >>> 0);
    }
    return this;
  }

  /** Shows x`register`. */
  show(register: number): this {
    this.set(9, UART);
    // MOV x10, xN; eight times STRB w10, [x9]; LSR x10, x10, #8.
    this.#code.push((0xaa00_03ea | (register << 16)) >>> 0);
    for (let i = 0; i < 8; i += 1) this.#code.push(0x3900_012a, 0xd348_fd4a);
    return this;
  }

  store(address: bigint, value: bigint, size: 1 | 4 | 8): this {
    this.set(1, address).set(2, value);
    // STRB, STR w2, STR x2 at [x1].
    this.#code.push({ 1: 0x3900_0022, 4: 0xb900_0022, 8: 0xf900_0022 }[size]);
    return this;
  }

  /** x`register` = the 4 bytes at `address`. */
  load(register: number, address: bigint): this {
    this.set(1, address);
    this.#code.push((0xb940_0020 | register) >>> 0);
    return this;
  }

  /** x`register` = a system register, after an ISB. */
  mrs(register: number, encoding: SystemRegisterEncoding): this {
    this.#code.push(0xd503_3fdf, (0xd520_0000 | ((encoding & 0x7fff) << 5) | 0x0010_0000 | register) >>> 0);
    return this;
  }

  /** A system register = x`register`, then an ISB. */
  msr(encoding: SystemRegisterEncoding, register: number): this {
    this.#code.push((0xd500_0000 | ((encoding & 0x7fff) << 5) | 0x0010_0000 | register) >>> 0, 0xd503_3fdf);
    return this;
  }

  /** x`register` = the address of this instruction. */
  here(register: number): this {
    this.#code.push((0x1000_0000 | register) >>> 0);
    return this;
  }

  /** The program, which ends by switching the machine off. */
  bytes(): Uint8Array {
    // HVC #0; B .
    const code = [...new Guest().set(0, PSCI_SYSTEM_OFF).#code, 0xd400_0002, 0x1400_0000];
    return new Uint8Array(Uint32Array.from([...this.#code, ...code]).buffer);
  }
}

/** Runs a guest on QEMU until it switches itself off. @returns what it showed. */
export function runOnQemu(options: readonly string[], files: Readonly<Record<string, Uint8Array>>): bigint[] {
  const directory = mkdtempSync(join(tmpdir(), "vmexit-qemu-"));
  try {
    const named = Object.entries(files).flatMap(([option, bytes]) => {
      const file = join(directory, option.slice(1));
      writeFileSync(file, bytes);
      return [option, file];
    });
    const fixed = [
      "-cpu",
      "cortex-a57",
      "-display",
      "none",
      "-serial",
      "stdio",
      "-monitor",
      "none",
      "-no-reboot",
    ];
    const run = spawnSync("qemu-system-aarch64", [...options, ...fixed, ...named], {
      timeout: 20_000,
      maxBuffer: 1 << 24,
    });
    if (run.status !== 0) throw new Error(`QEMU ended with ${run.status ?? run.signal}: ${run.stderr}`);
    const view = new DataView(run.stdout.buffer, run.stdout.byteOffset, run.stdout.length);
    return Array.from({ length: run.stdout.length >> 3 }, (_, index) => view.getBigUint64(index * 8, true));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
