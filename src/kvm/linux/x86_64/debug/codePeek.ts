import { KvmError } from "../../../errors.ts";
import type { GuestRam } from "../../guestRam.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";

const pageBytes = 4096;

/** Instructions that leave for another level or place by what the stack or a register says. */
export type Return = "iret" | "sysret";

/**
 * Looks at the instruction a vCPU of long mode is about to execute, after an exit. It is asked before every step, so the page of
 * the last look is kept, as long as the vCPU stays in it and in the same address space.
 */
export class CodePeek {
  readonly #ram: GuestRam;
  #page: Uint8Array | undefined;
  #pageLow = -1;
  #pageHigh = -1;
  #space = -1;

  constructor(ram: GuestRam) {
    this.#ram = ram;
  }

  /** Whether the next instruction returns: IRETQ, or SYSRET. Only what the CPU itself can have fetched is looked at. */
  returns(vcpu: X86VcpuFile): Return | undefined {
    const low = vcpu.last.pcLow;
    const offset = low & (pageBytes - 1);
    const first = this.#pageOf(vcpu, low - offset)?.[offset];
    // Most instructions begin with neither REX.W nor 0F.
    if (first !== 0x48 && first !== 0x0f) return undefined;
    const bytes = this.#bytes(vcpu, 3);
    if (bytes === undefined) return undefined;
    const [one, two, three] = bytes;
    if (one === 0x48 && two === 0xcf) return "iret";
    const isSysret = (one === 0x48 && two === 0x0f && three === 0x07) || (one === 0x0f && two === 0x07);
    return isSysret ? "sysret" : undefined;
  }

  #pageOf(vcpu: X86VcpuFile, low: number): Uint8Array | undefined {
    const high = vcpu.last.pcHigh;
    const space = vcpu.last.cr3;
    if (low !== this.#pageLow || high !== this.#pageHigh || space !== this.#space) {
      this.#pageLow = low;
      this.#pageHigh = high;
      this.#space = space;
      this.#page = this.#view(vcpu, (BigInt(high) << 32n) | BigInt(low), pageBytes);
    }
    return this.#page;
  }

  /** The bytes at the next instruction, translated anew: mappings may have changed since the page was kept. */
  #bytes(vcpu: X86VcpuFile, count: number): readonly number[] | undefined {
    const pc = vcpu.last.pc;
    const bytes: number[] = [];
    for (let i = 0; i < count; i++) {
      const byte = this.#view(vcpu, BigInt.asUintN(64, pc + BigInt(i)), 1)?.[0];
      if (byte === undefined) break;
      bytes.push(byte);
    }
    return bytes.length < 2 ? undefined : bytes;
  }

  #view(vcpu: X86VcpuFile, address: bigint, length: number): Uint8Array | undefined {
    const physical = vcpu.translate(address)?.physicalAddress;
    if (physical === undefined) return undefined;
    try {
      return this.#ram.view(physical, length);
    } catch (error) {
      if (error instanceof KvmError && error.errno === "EFAULT") return undefined;
      throw error;
    }
  }
}
