import type { X86VcpuFile } from "../vcpuFile.ts";
import { trapFlag } from "./bits.ts";
import type { Transfer } from "./codePeek.ts";
import type { GuestMemory } from "./guestMemory.ts";
import { handlersOf } from "./handlers.ts";

const sfmask = 0xc000_0084;
const operandSize = 0x66;
const longestInstruction = 15n;
const allVectors = Array.from({ length: 256 }, (_, vector) => vector);

/**
 * The guest's own TF while the host single-steps: KVM keeps one flag for both and hides it, so what becomes of the guest's is
 * followed here, from one instruction to the next (Intel SDM volume 3, 18.3.1.4).
 */
export class OwnTrapFlag {
  /** The guest's TF. */
  value = false;
  /** An instruction has been executed with it: #DB comes before the next. */
  isDue = false;
  #after = false;
  #isPushed = false;
  readonly #file: X86VcpuFile;
  readonly #memory: GuestMemory;

  constructor(file: X86VcpuFile, memory: GuestMemory) {
    this.#file = file;
    this.#memory = memory;
  }

  /** Somebody has set the vCPU elsewhere, with this RFLAGS. */
  reset(rflags: bigint): void {
    this.value = (rflags & trapFlag) !== 0n;
    this.isDue = false;
  }

  /** Before an instruction is stepped. */
  before(instruction: Transfer | undefined): void {
    this.#isPushed = instruction === "pushf";
    this.#after = instruction === undefined ? this.value : this.#loaded(instruction);
  }

  /** The guest is at the handler of an exception: it begins without TF. */
  entered(): void {
    this.value = false;
    this.isDue = false;
    this.#after = false;
  }

  /** It has been executed. */
  executed(): void {
    if (!this.value && !this.#after) return;
    if (this.#isPushed) this.#push();
    this.isDue = this.value;
    // An exception has come instead, whose handler begins without TF.
    this.value = this.#after && !this.#atHandler();
    if (!this.value && this.#after) this.isDue = false;
    this.#after = this.value;
  }

  #loaded(instruction: Transfer): boolean {
    const { rsp, rflags, r11 } = this.#file.getRegs();
    switch (instruction) {
      case "hlt":
      case "pushf":
        return this.value;
      case "syscall":
        return this.value && (this.#file.getMsr(sfmask) & trapFlag) === 0n;
      case "sysret":
      case "sysretq":
        return (r11 & trapFlag) !== 0n;
      case "popf":
      case "iret":
      case "iretq": {
        const { cs } = this.#file.getSregs();
        const prefixed = this.#memory.byte(this.#file.last.pc) === operandSize;
        const usual = cs.l === 1 || cs.db === 1;
        const wide = cs.l === 1 && instruction !== "iret" ? 8 : 4;
        const size = instruction === "iretq" ? 8 : usual !== prefixed ? wide : 2;
        const offset = instruction === "popf" ? 0 : 2 * size;
        const image = this.#memory.number(this.#top(rsp) + BigInt(offset), 2) ?? rflags;
        return (image & trapFlag) !== 0n;
      }
    }
  }

  /** The linear address of the top of the stack. */
  #top(rsp: bigint): bigint {
    const { cs, ss } = this.#file.getSregs();
    return cs.l === 1 ? rsp : ss.base + (ss.db === 1 ? rsp & 0xffff_ffffn : rsp & 0xffffn);
  }

  /** PUSHF has pushed what KVM shows. */
  #push(): void {
    const at = this.#top(this.#file.getRegs().rsp) + 1n;
    const byte = this.#memory.byte(at);
    if (byte !== undefined) this.#memory.setByte(at, byte | Number(trapFlag >> 8n));
  }

  #atHandler(): boolean {
    const { pc } = this.#file.last;
    return handlersOf(this.#file, allVectors, this.#memory).some(
      (handler) => handler !== undefined && pc >= handler && pc <= handler + longestInstruction,
    );
  }
}
