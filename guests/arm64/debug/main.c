// Debugs itself: BRK, breakpoints, watchpoints and single-step over its own code at EL1 and EL0, with the MMU off and on. Prints
// a line for every exception that the code under debugging took, with what the handler saw, and compares it with the manual.
#include "debug.h"

void main(void) {
  debug_off();
  setting = "MMU off";
  check_registers();
  check_break_instructions();
  check_breakpoints();
  check_watchpoints();
  check_steps();
  check_locks();

  mmu_start();
  setting = "MMU on";
  check_registers();
  check_break_instructions();
  check_breakpoints();
  check_breakpoints_of_unmapped_code();
  check_watchpoints();
  check_watchpoints_of_normal_memory();
  check_steps();
  check_locks();

  if (failures == 0) {
    print("PASS %u\n", (uint64_t)checks);
  } else {
    print("FAILED %u of %u\n", (uint64_t)failures, (uint64_t)checks);
  }
}
