import type { ExceptionClass } from "./syndrome.ts";

/** Why the current instruction did not complete: what the CPU does next. */
export type CpuEvent =
  /** An exception to EL1. `preferredReturn` says which instruction ELR_EL1 names. */
  | {
      readonly kind: "exception";
      readonly ec: ExceptionClass;
      readonly iss: number;
      readonly far?: bigint;
      readonly preferredReturn: "this" | "next";
    }
  /** An exception to EL2: the hypervisor's. `ipa` is HPFAR_EL2's address with the page offset, for aborts of stage 2. */
  | {
      readonly kind: "trap";
      readonly ec: ExceptionClass;
      readonly iss: number;
      readonly far?: bigint;
      readonly ipa?: number;
      readonly preferredReturn: "this" | "next";
      /** It is an unseen breakpoint, which no hardware has. */
      readonly unseen?: true;
    }
  | { readonly kind: "exceptionReturn" }
  /** Fetch again: PC was changed to its canonical form. */
  | { readonly kind: "retry" }
  /** Something this CPU does not implement; the machine must stop and say so. */
  | { readonly kind: "unimplemented"; readonly what: string };

/** One guest memory access that no memory slot answers, in the course of one instruction. */
export interface MmioAccess {
  readonly address: number;
  /** 1, 2, 4 or 8 bytes. */
  readonly bytes: number;
  readonly write: boolean;
  /** What is written; for a read, what the machine answered. */
  readonly data: bigint;
}

/** Why `run` returned to the hypervisor. */
export type CpuExit =
  | { readonly kind: "budget" }
  | {
      readonly kind: "trap";
      /** ESR_EL2. */
      readonly syndrome: number;
      /** FAR_EL2. */
      readonly far: bigint;
      /** The intermediate physical address of a stage 2 abort. */
      readonly ipa: number;
      /** For a stage 2 abort of data: the access, so that it can be completed; see `Arm64Cpu.completeMmio`. */
      readonly mmio: MmioAccess | undefined;
      /** It is an unseen breakpoint, which no hardware has. */
      readonly unseen: boolean;
    }
  | { readonly kind: "unimplemented"; readonly what: string };
