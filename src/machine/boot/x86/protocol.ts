import type { AddressRange } from "../../address.ts";
import type { BootPiece } from "../bootPlan.ts";
import type { X86Image } from "./image.ts";

/** The registers a boot protocol speaks of. */
export type X86EntryRegister = "rax" | "rbx" | "rcx" | "rdx" | "rsi" | "rdi" | "rbp" | "rsp" | "rip";

/**
 * How the first CPU starts; every other register is as at reset, every other CPU waits for INIT and SIPI. Interrupts are off.
 * `real`: all segments at 0. `protected`: flat 32-bit segments, no paging. `long`: flat 64-bit segments, the first 4 GiB mapped onto
 * themselves. The last two by the descriptors at `BOOT_MAP.gdt`. `reset`: as the processor itself does.
 */
export interface X86Entry {
  readonly mode: "reset" | "real" | "protected" | "long";
  readonly registers: Readonly<Partial<Record<X86EntryRegister, bigint>>>;
}

/** Everything needed to start an x86 guest. */
export interface X86BootPlan {
  readonly pieces: readonly BootPiece[];
  readonly entry: X86Entry;
  /** What the guest was started as, in a few words for the user. */
  readonly protocol: string;
  /** Memory outside RAM that pieces go to and that the guest may only read: to be provided before the plan is applied. */
  readonly rom?: AddressRange | undefined;
}

/** What to boot with. */
export interface X86BootRequest {
  /** What the user calls the image: the first word of Multiboot's command line. */
  readonly name?: string | undefined;
  readonly image: X86Image;
  readonly ram: AddressRange;
  readonly initrd?: Uint8Array | undefined;
  readonly commandLine?: string | undefined;
  /** ACPI's tables, for `PC_MAP.acpi`. */
  readonly acpi: Uint8Array;
  /** The table of Intel's MultiProcessor Specification, for `PC_MAP.mpTable`. */
  readonly mpTable: Uint8Array;
}

/** What a protocol makes of a request, without what all have in common. */
export interface ProtocolPlan {
  readonly pieces: readonly BootPiece[];
  readonly entry: X86Entry;
  readonly protocol: string;
}
