import { linuxFlags } from "../instructions.ts";

/** What becomes of an INT3 with `KVM_GUESTDBG_USE_SW_BP`. */
export type Int3Outcome =
  /** A debug exit, as it must be. */
  | "exit"
  /** `KVM_EXIT_INTERNAL_ERROR`: the kernel cannot emulate it. */
  | "error"
  /** It goes to the guest. */
  | "guest";

/** One value for each way the guest can execute. */
export interface ByMode<T> {
  readonly real: T;
  /** Kernel mode of long mode. */
  readonly kernel: T;
  /** User mode of long mode. */
  readonly user: T;
}

/** What the host's KVM does when it debugs a guest, as three-instruction guests have shown. */
export interface HostDebugFacts {
  /** Bits of `kvm_guest_debug.control` that it knows (`KVM_CAP_SET_GUEST_DEBUG2`). */
  readonly control: number;
  /** Whether a single step is reported. */
  readonly step: ByMode<boolean>;
  /** Whether it reports the step of IRETQ. */
  readonly iretStep: boolean;
  /** Whether it reports the step of port output itself. */
  readonly outputStep: boolean;
  readonly int3: ByMode<Int3Outcome>;
  /** Whether execution breakpoints stop. */
  readonly execution: ByMode<boolean>;
  /** Whether an execution breakpoint stops on the first instruction of a handler that user mode gets into. */
  readonly userEntry: boolean;
  /** Whether RFLAGS.RF lets the instruction at an execution breakpoint be executed. */
  readonly resumeFlag: boolean;
  /** Whether watchpoints stop. */
  readonly watchpoint: ByMode<boolean>;
  /** Whether `KVM_GUESTDBG_INJECT_BP` saves the address after the INT3, as the CPU does. */
  readonly injectsAfterInt3: boolean;
  /** Whether the guest's CPUID tells what it is told to, and not what the host's processor has. */
  readonly cpuid: boolean;
  /** Instructions that the guest's CPUID shows and this KVM cannot execute in kernel mode: names of `instructionFeatures`. */
  readonly missingInstructions: readonly string[];
}

/** A KVM that leaves nothing out. */
export const faithful: HostDebugFacts = {
  control: 0x1f_0003,
  step: { real: true, kernel: true, user: true },
  iretStep: true,
  outputStep: true,
  int3: { real: "exit", kernel: "exit", user: "exit" },
  execution: { real: true, kernel: true, user: true },
  userEntry: true,
  resumeFlag: true,
  watchpoint: { real: true, kernel: true, user: true },
  injectsAfterInt3: true,
  cpuid: true,
  missingInstructions: [],
};

/** Whether INT3 in user mode is caught at the guest's handler, which takes a free register. */
export const catchesUserBreaks = ({ int3, userEntry }: HostDebugFacts): boolean =>
  int3.user === "guest" && userEntry;

const where = { real: "real mode", kernel: "kernel mode", user: "user mode" } as const;
const modes = ["real", "kernel", "user"] as const;

const int3Remedy = (facts: HostDebugFacts): string => {
  const remedies = [
    ...(facts.int3.real === "guest" ? ["real mode is stepped to find them"] : []),
    ...(facts.int3.user !== "guest"
      ? []
      : facts.userEntry
        ? [
            "in user mode they are caught at the guest's #BP handler, which needs a free debug register, else by stepping the guest",
          ]
        : ["in user mode the guest gets them"]),
  ];
  return remedies.map((each) => `; ${each}`).join("");
};

/** The facts in lines for a reader: what this KVM leaves out, and what is done about it. */
export function describeHost(facts: HostDebugFacts): readonly string[] {
  const lacking = (works: ByMode<boolean>): string =>
    modes
      .filter((mode) => !works[mode])
      .map((mode) => where[mode])
      .join(", ");
  const int3In = (outcome: Int3Outcome): string =>
    modes
      .filter((mode) => facts.int3[mode] === outcome)
      .map((mode) => where[mode])
      .join(", ");
  const line = (what: string, gap: string, remedy: string): string =>
    gap === "" ? `${what}: yes` : `${what}: not in ${gap}${remedy}`;
  return [
    `guest debugging, control bits: 0x${facts.control.toString(16)}`,
    line(
      "single step",
      lacking(facts.step),
      facts.userEntry ? "; by the guest's own #DB handler, refused where it has none" : "; refused there",
    ),
    `single step over IRETQ: ${facts.iretStep ? "yes" : "by a breakpoint where it returns to"}`,
    `single step over port output: ${facts.outputStep ? "yes" : "completed by the substrate"}`,
    line(
      "hardware breakpoints",
      lacking(facts.execution),
      facts.userEntry
        ? "; by stepping the guest while there are any in user mode's pages"
        : "; they never hit there",
    ),
    `going on from a hardware breakpoint by RFLAGS.RF: ${facts.resumeFlag ? "yes" : "by disarming, stepping and arming again"}`,
    line("watchpoints", lacking(facts.watchpoint), "; writes by stepping and comparing, reads not at all"),
    line("INT3 breakpoints", int3In("guest"), int3Remedy(facts)),
    ...missing(facts),
    ...(int3In("error") === "" ? [] : [`INT3 breakpoints by emulation failure: ${int3In("error")}`]),
  ];
}

/** KVM's own leaves of CPUID are always what the guest was told. */
function missing({ cpuid, missingInstructions }: HostDebugFacts): readonly string[] {
  const shown = cpuid ? [] : missingInstructions.filter((name) => name !== "VMCALL");
  const hidden = missingInstructions.filter((name) => !shown.includes(name));
  return [
    ...(shown.length === 0
      ? []
      : [
          `CPUID shows the host's processor, and this KVM cannot emulate ${shown.join(", ")}; ` +
            `Linux guests want clearcpuid=${linuxFlags(shown).join(",")}`,
        ]),
    ...(hidden.length === 0
      ? []
      : [`hidden from CPUID, as this KVM cannot emulate them: ${hidden.join(", ")}`]),
  ];
}
