import type { DepartureName } from "./departures.ts";

/** In which mode a guest begins: real mode, kernel mode of protected or long mode, or user mode of long mode. */
export type GuestMode = "real" | "protected" | "long" | "user";

/** A breakpoint register the host sets. */
export interface HardwareBreakpoint {
  /** A label of the guest, or an address. */
  readonly at: string | number;
  /** Left out: execution. */
  readonly on?: "execute" | "write" | "access";
  /** Bytes watched. */
  readonly length?: 1 | 2 | 4 | 8;
}

/** What the host asks of `KVM_SET_GUEST_DEBUG`. */
export interface HostDebug {
  readonly step?: boolean;
  readonly int3?: boolean;
  readonly hardware?: readonly HardwareBreakpoint[];
  readonly blockInterrupts?: boolean;
  /** DR7.GD: stop before the guest gets at its debug registers. */
  readonly generalDetect?: boolean;
  readonly inject?: "DB" | "BP";
}

/** What the host does, and what it then sees. */
export interface Act {
  /** Left out: as before. `off` clears `KVM_GUESTDBG_ENABLE`. */
  readonly debug?: HostDebug | "off";
  /** Sets RFLAGS.RF first, as a debugger does that goes on from an execution breakpoint. */
  readonly resumeFlag?: true;
  /** Writes RIP first. */
  readonly jump?: string;
  /**
   * The exits that follow, one line each: `step at LABEL`, `int3 at LABEL`, `hardware N at LABEL`, `access at LABEL`, `out PORT BYTES`,
   * `in PORT × COUNT`, `write ADDRESS BYTES`, `read ADDRESS × LENGTH`, `hlt`, `shutdown`, `error at LABEL`, `refused: ERRNO`, `runs on` (for longer than the suite waits).
   */
  readonly sees: readonly string[];
}

/** How a kernel is known to depart from the manual. */
export interface Departure {
  readonly name: DepartureName;
  /** What it shows instead, act by act. */
  readonly sees: readonly (readonly string[])[];
  /** What the guest has at the end instead. */
  readonly ends?: Ending;
  /** The linux substrate hides this from its users: only the bare kernel may show it. */
  readonly hidden?: true;
}

/** What the guest has at the end. */
export interface Ending {
  /** General registers, by `kvm_regs`' names. A string is a label's address. */
  readonly registers?: Readonly<Record<string, bigint | string>>;
  /** The guest's own DR6. */
  readonly dr6?: bigint;
  /** 64-bit words of memory, by address (or label). A string is a label's address. */
  readonly memory?: Readonly<Record<string, bigint | string>>;
}

/** A guest, what the host does with it, and what must be seen by the Intel SDM and the requirements. */
export interface Scenario {
  /** A statement of behaviour. */
  readonly name: string;
  readonly mode: GuestMode;
  /** Assembly in Intel syntax; a label begins its line. Assembled for 0x1000; execution begins there. */
  readonly text: string;
  /** Labels of interrupt handlers, by vector. */
  readonly handlers?: Readonly<Record<number, string>>;
  /** The guest's own debug registers at the start. A string is a label. */
  readonly ownDebug?: { readonly addresses: readonly (string | number)[]; readonly dr7: bigint };
  /** 64-bit words of memory at the start, by address. */
  readonly memory?: Readonly<Record<string, bigint>>;
  /** Values of general registers at the start. */
  readonly registers?: Readonly<Record<string, bigint>>;
  /** Segments that begin elsewhere than at 0, or reach further, in real mode. */
  readonly segments?: Readonly<
    Record<
      string,
      { readonly base?: bigint; readonly selector?: number; readonly limit?: number; readonly g?: number }
    >
  >;
  /** What `SYSCALL` needs. A string is a label: MSR_LSTAR. */
  readonly syscall?: string;
  /** With the interrupt controllers in the kernel. */
  readonly irqchip?: boolean;
  /** What port input and MMIO reads answer: this byte in every byte. */
  readonly answer?: number;
  readonly acts: readonly Act[];
  readonly ends?: Ending;
  readonly departures?: readonly Departure[];
}
