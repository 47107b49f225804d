/**
 * How kernels are known to depart from the Intel SDM and from requirement S4, by name. A scenario that shows one names it; what
 * no scenario names is a failure.
 */
export const departures = {
  "port-output-loses-its-step":
    "After port output that user space completes, KVM checks no step: the next one is reported after the following instruction.",
  "mmio-write-loses-its-step": "The same after an MMIO write, and after a read-modify-write.",
  "rep-steps-in-batches":
    "A repeated string instruction traps after each iteration (SDM volume 3, 18.3.1.4); KVM's emulator executes as many as it can before it looks.",
  "mov-ss-does-not-hold-back-the-step":
    "MOV SS and POP SS hold back debug traps until the next instruction is executed (SDM volume 3, 6.8.3); KVM's emulator reports the step at once.",
  "int3-is-not-emulated":
    "In kernel mode of protected and long mode, INT3 ends in KVM_EXIT_INTERNAL_ERROR instead of a debug exit or the guest's #BP.",
  "int-is-not-emulated": "In kernel mode of protected and long mode, INT n ends in KVM_EXIT_INTERNAL_ERROR.",
  "int1-is-not-emulated": "INT1 (ICEBP) ends in KVM_EXIT_INTERNAL_ERROR.",
  "iret-is-not-emulated": "IRET of protected mode ends in KVM_EXIT_INTERNAL_ERROR.",
  "fwait-is-not-emulated": "In kernel mode of long mode, FWAIT ends in KVM_EXIT_INTERNAL_ERROR.",
  "undefined-is-not-emulated":
    "UD0, UD1, and UD2 in real mode where CS does not begin at 0, end in KVM_EXIT_INTERNAL_ERROR instead of the guest's #UD.",
  "rdssp-is-not-emulated":
    "RDSSP, which does nothing where shadow stacks are off, ends in KVM_EXIT_INTERNAL_ERROR.",
  "int3-never-exits": "With USE_SW_BP, INT3 goes to the guest all the same.",
  "resume-flag-is-ignored":
    "RFLAGS.RF does not let the guest execute the instruction at a breakpoint of the host (SDM volume 3, 18.3.1.1).",
  "watchpoints-never-hit": "Data breakpoints of the host never hit.",
  "access-watchpoints-are-refused":
    "Where the kernel's never hit, the linux substrate watches writes by stepping and comparing; reads it refuses with EOPNOTSUPP.",
  "user-mode-steps-are-refused":
    "Where the kernel runs user mode undebugged, the linux substrate steps it by the guest's #DB handler; in a guest that has none it refuses with EOPNOTSUPP.",
  "general-detect-never-hits":
    "DR7.GD among the host's registers does not stop the guest's accesses to debug registers; KVM's emulator looks at the guest's own DR7 only.",
  "own-watchpoints-never-hit": "Data breakpoints of the guest never hit.",
  "own-step-is-lost-while-the-host-steps":
    "While the host steps, TF that the guest has set is forgotten: it gets no #DB, its TF is missing in what PUSHF pushes, and gone when the host lets go.",
  "own-trap-flag-is-not-saved":
    "While the host steps kernel mode, an exception saves the guest's flags without its own TF.",
  "own-step-is-lost-after-port-output": "The guest's own TF gives no #DB after port output.",
  "stepped-halt-comes-late":
    "A HLT that was stepped halts the CPU all the same, behind the first instruction that is not stepped (SDM volume 2, HLT: a debug exception ends the halt).",
  "iret-loses-its-step":
    "After IRETQ no step is checked in kernel mode of long mode: the next one is reported after the following instruction.",
  "interrupts-come-late":
    "KVM's emulator executes many instructions before it looks for an interrupt that is due (SDM volume 2, STI: after one).",
  "user-mode-runs-undebugged":
    "User mode, and the kernel entered from it by SYSCALL, run natively without the host's debugging: no hardware breakpoint, INT3 goes to the guest, and so does the #DB of the host's step.",
} as const;

/** A name of a departure. */
export type DepartureName = keyof typeof departures;
