// The OS lock and the OS double lock silence all debug exceptions but BRK's (Arm ARM D2.4, H6.1).
#include "debug.h"

extern routine el1_nops, el0_nops, el1_brk, el0_brk, el0_str;

static uint64_t data __attribute__((section(".user.data"), aligned(8)));

void check_locks(void) {
  uint64_t breakpoint = CONTROL_E | PMC_BOTH | BREAKPOINT_BAS;
  set_mdscr(MDSCR_MDE | MDSCR_KDE);
  set_breakpoint(0, (uint64_t)el0_nops + 4, breakpoint);
  set_breakpoint(1, (uint64_t)el1_nops + 4, breakpoint);
  set_watchpoint(0, (uint64_t)&data, CONTROL_E | PMC_BOTH | STORES | BAS(0xff));
  set_os_lock(true);
  run(el1_nops, 0, AT_EL1H);
  CHECK_NOTHING("a breakpoint, OS lock locked");
  run(el0_nops, 0, AT_EL0);
  CHECK_NOTHING("a breakpoint, OS lock locked");
  run(el0_str, (uint64_t)&data, AT_EL0);
  CHECK_NOTHING("a watchpoint, OS lock locked");
  check_value("what is in memory then", data, VALUE);
  run(el1_brk, 0, AT_EL1H);
  CHECK("BRK, OS lock locked", BRK_(0, 0x345));
  run(el0_brk, 0, AT_EL0);
  CHECK("BRK, OS lock locked", BRK_(0, 0x345));
  set_mdscr(MDSCR_MDE | MDSCR_KDE | MDSCR_SS);
  run(el0_nops, 0, AT_EL0 | PSTATE_SS);
  CHECK_NOTHING("a step, OS lock locked");
  set_mdscr(MDSCR_MDE | MDSCR_KDE);
  set_os_lock(false);
  run(el0_nops, 0, AT_EL0);
  CHECK("the same breakpoint, OS lock open", BREAKPOINT(4));
  run(el0_str, (uint64_t)&data, AT_EL0);
  CHECK("the same watchpoint, OS lock open", STORE_WATCHED(0, (uint64_t)&data, (uint64_t)&data + 7));

  set_breakpoint(0, (uint64_t)el0_nops + 4, breakpoint);
  write_sysreg(osdlr_el1, 1);
  isb();
  run(el0_nops, 0, AT_EL0);
  CHECK_NOTHING("a breakpoint, OS double lock locked");
  run(el0_brk, 0, AT_EL0);
  CHECK("BRK, OS double lock locked", BRK_(0, 0x345));
  write_sysreg(osdlr_el1, 0);
  isb();
  run(el0_nops, 0, AT_EL0);
  CHECK("the same breakpoint, OS double lock open", BREAKPOINT(4));
  debug_off();
}
