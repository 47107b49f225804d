import { KvmError } from "../../../errors.ts";
import type { GuestRam } from "../../guestRam.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";

const pageBytes = 4096;

/** Instructions that load or store RFLAGS, go to another level or halt: what a single step must know of before. */
export type Transfer = "hlt" | "pushf" | "popf" | "iret" | "iretq" | "syscall" | "sysret" | "sysretq";

/** Their first bytes; most instructions begin with neither. */
const first = {
  hlt: 0xf4,
  pushf: 0x9c,
  popf: 0x9d,
  iret: 0xcf,
  rexW: 0x48,
  operandSize: 0x66,
  two: 0x0f,
} as const;
const isFirst = new Set<number>(Object.values(first));

/**
 * Looks at the instruction a vCPU is about to execute, after an exit. It is asked before every step, so the page of the last look is
 * kept, as long as the vCPU stays in it and in the same address space.
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

  /** Which of them is next, if any. Only what the CPU itself can have fetched is looked at. */
  next(vcpu: X86VcpuFile): Transfer | undefined {
    const { last } = vcpu;
    const low = last.pcLow;
    const offset = low & (pageBytes - 1);
    const byte = this.#pageOf(vcpu, low - offset)?.[offset];
    if (byte === undefined || !isFirst.has(byte)) return undefined;
    return transfer(this.#bytes(vcpu, 3), last.long);
  }

  /** Mappings may have changed. */
  forget(): void {
    this.#pageLow = -1;
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
  #bytes(vcpu: X86VcpuFile, count: number): readonly (number | undefined)[] {
    const { pc } = vcpu.last;
    return Array.from(
      { length: count },
      (_, i) => this.#view(vcpu, BigInt.asUintN(64, pc + BigInt(i)), 1)?.[0],
    );
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

/** Which of them begins with these bytes. Prefixes that change nothing of it are not looked through. */
export function transfer(bytes: readonly (number | undefined)[], isLong: boolean): Transfer | undefined {
  const [one, two, three] = bytes;
  if (one === first.hlt) return "hlt";
  if (one === first.pushf || (one === first.operandSize && two === first.pushf)) return "pushf";
  if (one === first.popf || (one === first.operandSize && two === first.popf)) return "popf";
  if (one === first.iret || (one === first.operandSize && two === first.iret)) return "iret";
  if (!isLong) return undefined;
  if (one === first.rexW && two === first.iret) return "iretq";
  if (one === first.rexW && two === first.two && three === 0x07) return "sysretq";
  if (one !== first.two) return undefined;
  if (two === 0x05) return "syscall";
  return two === 0x07 ? "sysret" : undefined;
}
