import { KvmError } from "../../../errors.ts";
import type { X86Exit } from "../../../exits.ts";
import { guestDebugControl } from "../../../guestDebug.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";
import { dr6Step, trapFlag } from "./bits.ts";
import type { GuestMemory } from "./guestMemory.ts";
import { handlersOf } from "./handlers.ts";
import { vectors } from "./injector.ts";
import { frameAt, isUserFrame, returnTo } from "./transfers.ts";

/** Vectors that save an error code (Intel SDM volume 3, 6.3.1). */
const withErrorCode: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21]);

const instructions = { int: 0xcd, int3: 0xcc, pushf: 0x9c, popf: 0x9d, operandSize: 0x66 } as const;

/** What a step of user mode came to. */
export type UserStep =
  /** The instruction is executed, or the guest is at the handler of an exception that it has raised. @param ownTrap the guest's TF */
  | { readonly kind: "done"; readonly ownTrap: boolean; readonly inHandler: boolean }
  /** Something else came first; the instruction is not executed, or not complete. */
  | { readonly kind: "exit"; readonly exit: X86Exit };

/**
 * Single steps of user mode where the host's KVM runs it undebugged, but stops at an execution breakpoint on the first instruction
 * of a handler: TF is set, and when the guest has been entered at its #DB handler, it is put back to where it was interrupted.
 */
export class UserMode {
  readonly #file: X86VcpuFile;
  readonly #memory: GuestMemory;

  constructor(file: X86VcpuFile, memory: GuestMemory) {
    this.#file = file;
    this.#memory = memory;
  }

  /**
   * One instruction. The caller says anew what the kernel is to do, and takes it that the registers have changed.
   * @param pc linear @param extra bits of `kvm_guest_debug.control` @throws KvmError EOPNOTSUPP where the guest has no #DB handler
   */
  step(pc: bigint, ownTrap: boolean, extra: number): UserStep {
    const file = this.#file;
    const code = this.#memory.bytes(pc, 2);
    const caught = [vectors.debug, vectors.page, vectors.protection, this.#fourth(code)];
    const handlers = handlersOf(file, caught, this.#memory);
    const [trap] = handlers;
    // Vectors may share a handler.
    const vectorAt = (at: bigint, isTrapped: boolean): number | undefined =>
      caught.find((each, i) => handlers[i] === at && (each === vectors.debug) === isTrapped);
    if (trap === undefined)
      throw new KvmError(
        "EOPNOTSUPP",
        "this host's KVM cannot single-step user mode but by the guest's #DB handler, and the guest has none",
      );
    file.setGuestDebug({
      control: guestDebugControl.ENABLE | guestDebugControl.USE_HW | extra,
      arch: armAll(handlers),
    });
    const before = file.getDebugRegs();
    file.setDebugRegs({ ...before, dr6: before.dr6 & ~dr6Step });
    const regs = file.getRegs();
    file.setRegs({ ...regs, rflags: regs.rflags | trapFlag });
    let exit = file.run();
    // Interrupted, with the exception on its way: it is in the handler next.
    while (exit.reason === "INTR" && file.last.exception) exit = file.run();
    const now = file.getDebugRegs();
    const isTrapped = (now.dr6 & dr6Step) !== 0n;
    file.setDebugRegs({ ...now, dr6: before.dr6 });
    // Interrupted at the handler, before the breakpoint there: that is as good.
    const isThere = exit.reason === "DEBUG" || (exit.reason === "INTR" && !file.last.user);
    const vector = isThere ? vectorAt(file.last.pc, isTrapped) : undefined;
    if (vector === vectors.debug && this.#putBack(code, ownTrap)) {
      const isLoaded = code[0] === instructions.popf || code[1] === instructions.popf;
      return { kind: "done", ownTrap: isLoaded ? this.#trapFlag() : ownTrap, inHandler: false };
    }
    if (vector !== undefined) {
      if (!ownTrap) this.#clearSaved(withErrorCode.has(vector) ? 8n : 0n);
      return { kind: "done", ownTrap: false, inHandler: true };
    }
    if (!ownTrap) this.#clear();
    return { kind: "exit", exit };
  }

  /** Whatever else the instruction is likely to raise. */
  #fourth([first, second]: readonly number[]): number {
    if (first === instructions.int3) return vectors.breakpoint;
    if (first === instructions.int) return second ?? vectors.invalidOpcode;
    return first === 0xf6 || first === 0xf7 ? vectors.divide : vectors.invalidOpcode;
  }

  /** From the first instruction of the handler back to where user mode was interrupted. @returns false if it was not user mode */
  #putBack(code: readonly number[], ownTrap: boolean): boolean {
    const frame = frameAt(this.#file.getRegs().rsp, this.#memory);
    if (frame === undefined || !isUserFrame(frame)) return false;
    const [first, second] = code;
    const isPopf =
      first === instructions.popf || (first === instructions.operandSize && second === instructions.popf);
    const isPushf =
      first === instructions.pushf || (first === instructions.operandSize && second === instructions.pushf);
    const rflags = isPopf || ownTrap ? frame.rflags : frame.rflags & ~trapFlag;
    if (!returnTo(this.#file, { ...frame, rflags }, this.#memory)) return false;
    if (isPushf && !ownTrap) this.#clearAt(frame.rsp);
    return true;
  }

  #trapFlag(): boolean {
    return (this.#file.getRegs().rflags & trapFlag) !== 0n;
  }

  #clear(): void {
    const regs = this.#file.getRegs();
    if ((regs.rflags & trapFlag) !== 0n) this.#file.setRegs({ ...regs, rflags: regs.rflags & ~trapFlag });
  }

  /** The handler's frame shows the guest's TF, not ours. */
  #clearSaved(errorCode: bigint): void {
    this.#clearAt(this.#file.getRegs().rsp + errorCode + 16n);
  }

  #clearAt(address: bigint): void {
    const byte = this.#memory.byte(address + 1n);
    if (byte !== undefined) this.#memory.setByte(address + 1n, byte & ~1);
  }
}

/** DR0 to DR3 on these addresses, for execution. */
export function armAll(addresses: readonly (bigint | undefined)[]): {
  readonly addresses: readonly bigint[];
  readonly dr7: bigint;
} {
  const known = addresses.filter((address) => address !== undefined).slice(0, 4);
  return { addresses: known, dr7: known.reduce((dr7, _, i) => dr7 | (2n << BigInt(2 * i)), 0x400n) };
}
