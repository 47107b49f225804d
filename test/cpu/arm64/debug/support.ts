import { type BareOptions, type Exception, vector } from "../support/machine.ts";
import { MmuMachine } from "../support/mmu.ts";

/** MDSCR_EL1. */
export const monitor = { SS: 0x1n, KDE: 0x2000n, MDE: 0x8000n } as const;
/** PSTATE of EL1h with D clear, and of EL0. */
export const pstate = { el1: 0x1c5n, el0: 0n, ss: 1n << 21n, d: 1n << 9n } as const;
/** Exception classes. */
export const ec = {
  illegalState: 0x0e,
  instructionAbort: 0x21,
  pcAlignment: 0x22,
  breakpoint: { el0: 0x30, el1: 0x31 },
  step: { el0: 0x32, el1: 0x33 },
  watchpoint: { el0: 0x34, el1: 0x35 },
  brk: 0x3c,
} as const;

/** A control register of a breakpoint or watchpoint by its fields. */
export function control(fields: {
  readonly levels?: number;
  readonly hmc?: 0 | 1;
  readonly ssc?: number;
  readonly byteSelect?: number;
  readonly loadStore?: number;
  readonly linkedTo?: number;
  readonly type?: number;
  readonly mask?: number;
}): bigint {
  const {
    levels = 3,
    hmc = 0,
    ssc = 0,
    byteSelect = 0xf,
    loadStore,
    linkedTo = 0,
    type = 0,
    mask = 0,
  } = fields;
  const select = loadStore === undefined ? byteSelect << 5 : (loadStore << 3) | (byteSelect << 5);
  const bits = 1 | (levels << 1) | select | (hmc << 13) | (ssc << 14) | (linkedTo << 16) | (type << 20);
  return BigInt(bits) | (BigInt(mask) << 24n);
}

/** A watchpoint's control: both levels, loads and stores, all bytes, unless said otherwise. */
export const watch = (fields: Parameters<typeof control>[0] = {}): bigint =>
  control({ byteSelect: 0xff, loadStore: 3, ...fields });

/** A guest with its MMU on that uses its own debug hardware, at EL1 with PSTATE.D clear, and nobody who debugs it. */
export class SelfDebuggingMachine extends MmuMachine {
  constructor(options: BareOptions = {}) {
    super(options);
    this.write("OSLAR_EL1", 0n);
    this.write("MDSCR_EL1", monitor.KDE | monitor.MDE);
  }

  /** A register as the guest writes it at EL1. */
  write(name: string, value: bigint): void {
    this.vm.cluster.activate(0);
    this.vcpu().cpu.system.set(name, value);
  }

  /** Runs instructions at the usual place with PSTATE as given; the exception that ended it, if one did. */
  runAt(
    address: bigint,
    state: bigint,
    words: readonly (number | readonly number[])[] | undefined,
  ): Exception | undefined {
    if (words !== undefined) this.load(Number(address), [...words, 0xd503205f, 0x17ffffff]);
    this.write("ELR_EL1", 0n);
    this.write("ESR_EL1", 0n);
    this.write("FAR_EL1", 0n);
    this.pstate = state;
    this.pc = address;
    this.run();
    const exception = this.exception();
    return exception.vector >= vector.current && exception.vector < 0x800 && exception.ec !== 0
      ? exception
      : undefined;
  }
}
