import type { X86Exit, X86InternalError } from "../../exits.ts";
import { dr6Fixed } from "./debug/bits.ts";
import { vectors } from "./debug/injector.ts";
import { iretProtected } from "./debug/transfers.ts";
import { X86LostSteps } from "./lostSteps.ts";
import { isUndefined, rdsspLength } from "./twoByteInstructions.ts";

/** First bytes of instructions that KVM's emulator does not know. */
const first = { int3: 0xcc, int: 0xcd, iret: 0xcf, int1: 0xf1, fwait: 0x9b, operandSize: 0x66 } as const;

/** CR0: MP and TS. FSW: ES. */
const monitorAndSwitched = 0xan;
const exceptionSummary = 0x80;

/** CR4.CET, without which there are no shadow stacks. */
const cet = 1n << 23n;

/** Instructions that the kernel ends with an error instead of executing them, executed here: INT3, INT1, INT n, IRET and others. */
export abstract class X86Unemulated extends X86LostSteps {
  /** What comes of an instruction that the kernel cannot emulate: `exit` where it cannot be executed here either. */
  protected emulate(exit: X86InternalError): X86Exit | undefined {
    const [one, two] = exit.instruction ?? [];
    switch (one === first.operandSize && two === first.iret ? two : one) {
      case first.int3:
        if (this.wantsInt3) return this.report(vectors.breakpoint, dr6Fixed);
        return this.#deliver(vectors.breakpoint, 1n);
      case first.int1:
        return this.#deliver(vectors.debug, 1n);
      case first.int:
        if (two === undefined) return exit;
        this.aim(two);
        this.injector.interrupt(two);
        return this.#delivered();
      case first.iret:
        return iretProtected(this.file, this.memory) ? this.#done() : exit;
      case first.fwait:
        return this.#wait();
      default:
        return this.#ofTwoBytes(exit);
    }
  }

  /** UD0, UD1 and UD2; RDSSP, which is nothing without shadow stacks (Intel SDM volume 2). */
  #ofTwoBytes(exit: X86InternalError): X86Exit | undefined {
    const bytes = exit.instruction ?? new Uint8Array();
    if (isUndefined(bytes)) return this.#fault(vectors.invalidOpcode);
    const length = rdsspLength(bytes);
    if (length === undefined || (this.file.getSregs().cr4 & cet) !== 0n) return exit;
    this.injector.skip(BigInt(length));
    return this.#done();
  }

  /** FWAIT: nothing, unless the x87 unit is away or has an exception pending (Intel SDM volume 2, WAIT). */
  #wait(): X86Exit | undefined {
    const { cr0 } = this.file.getSregs();
    const isAway = (cr0 & monitorAndSwitched) === monitorAndSwitched;
    if (isAway || (this.file.getFpu().fsw & exceptionSummary) !== 0)
      return this.#deliver(isAway ? vectors.noDevice : vectors.x87, 0n);
    this.injector.skip(1n);
    return this.#done();
  }

  /** An instruction that the kernel could not execute is executed. */
  #done(): X86Exit | undefined {
    this.isMoved = true;
    if (this.toldToStep) this.ownTrap.executed();
    const executed = this.executed();
    return executed === "done" ? undefined : executed;
  }

  /** Gives the guest the fault of the instruction at RIP, which is no step: the handler's first instruction is (18.3.1.4). */
  #fault(vector: number): undefined {
    this.injector.inject(vector, 0n);
    this.isMoved = true;
  }

  /** Gives the guest the exception of the instruction at RIP. */
  #deliver(vector: number, skipped: bigint): X86Exit | undefined {
    this.aim(vector);
    this.injector.inject(vector, skipped);
    return this.#delivered();
  }

  #delivered(): X86Exit | undefined {
    this.isMoved = true;
    return this.reachGoal();
  }
}
