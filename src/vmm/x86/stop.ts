import type { DebugExit, X86Exit } from "../../kvm/exits.ts";
import type { GuestStop } from "../guest.ts";

/** What `advance` stopped for: as `GuestStop`, with x86's debug exits. */
export type X86Stop =
  | Exclude<GuestStop, { readonly kind: "debug" }>
  | { readonly kind: "debug"; readonly vcpu: number; readonly exit: DebugExit };

/** Exits after which a guest cannot go on by itself. */
export type Failure = Extract<
  X86Exit,
  { readonly reason: "SHUTDOWN" | "HYPERCALL" | "FAIL_ENTRY" | "INTERNAL_ERROR" | "OTHER" }
>;

/** Such an exit in words. */
export function failureOf(exit: Failure): string {
  switch (exit.reason) {
    case "SHUTDOWN":
      return "triple fault: the guest could not take an exception, and its processor has shut down";
    case "HYPERCALL":
      return `hypercall 0x${exit.number.toString(16)} has no handler`;
    case "FAIL_ENTRY":
      return `the processor refuses to enter the guest: reason 0x${exit.hardwareEntryFailureReason.toString(16)}`;
    case "INTERNAL_ERROR":
      return exit.message;
    case "OTHER":
      return `KVM left the guest for reason ${exit.exitReason}, which nothing asked for`;
  }
}
