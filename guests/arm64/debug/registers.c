// The debug registers by number, and what is read back from them.
#include "debug.h"

#define EACH_BREAKPOINT(each) each(0) each(1) each(2) each(3) each(4) each(5)
#define EACH_WATCHPOINT(each) each(0) each(1) each(2) each(3)

void set_breakpoint(unsigned n, uint64_t value, uint64_t control) {
  switch (n) {
#define SET(n)                               \
  case n:                                    \
    write_sysreg(dbgbvr##n##_el1, value);    \
    write_sysreg(dbgbcr##n##_el1, control);  \
    break;
    EACH_BREAKPOINT(SET)
#undef SET
  }
  isb();
}

void set_watchpoint(unsigned n, uint64_t value, uint64_t control) {
  switch (n) {
#define SET(n)                               \
  case n:                                    \
    write_sysreg(dbgwvr##n##_el1, value);    \
    write_sysreg(dbgwcr##n##_el1, control);  \
    break;
    EACH_WATCHPOINT(SET)
#undef SET
  }
  isb();
}

#define GET_BVR(n) \
  case n:          \
    return read_sysreg(dbgbvr##n##_el1);
#define GET_BCR(n) \
  case n:          \
    return read_sysreg(dbgbcr##n##_el1);
#define GET_WVR(n) \
  case n:          \
    return read_sysreg(dbgwvr##n##_el1);
#define GET_WCR(n) \
  case n:          \
    return read_sysreg(dbgwcr##n##_el1);

uint64_t breakpoint_value(unsigned n) {
  switch (n) { EACH_BREAKPOINT(GET_BVR) }
  return 0;
}

uint64_t breakpoint_control(unsigned n) {
  switch (n) { EACH_BREAKPOINT(GET_BCR) }
  return 0;
}

uint64_t watchpoint_value(unsigned n) {
  switch (n) { EACH_WATCHPOINT(GET_WVR) }
  return 0;
}

uint64_t watchpoint_control(unsigned n) {
  switch (n) { EACH_WATCHPOINT(GET_WCR) }
  return 0;
}

void set_mdscr(uint64_t value) {
  write_sysreg(mdscr_el1, value);
  isb();
}

void set_os_lock(bool locked) {
  write_sysreg(oslar_el1, locked);
  isb();
}

void debug_off(void) {
  for (unsigned n = 0; n < BREAKPOINTS; n++) set_breakpoint(n, 0, 0);
  for (unsigned n = 0; n < WATCHPOINTS; n++) set_watchpoint(n, 0, 0);
  set_mdscr(0);
  set_os_lock(false);
  write_sysreg(contextidr_el1, 0);
  isb();
  breakpoints_stay = false;
  steps_wanted = 0;
}

void check_registers(void) {
  uint64_t features = read_sysreg(id_aa64dfr0_el1);
  check_value("breakpoints less one", (features >> 12) & 15, BREAKPOINTS - 1);
  check_value("watchpoints less one", (features >> 20) & 15, WATCHPOINTS - 1);
  check_value("context breakpoints less one", (features >> 28) & 15, BREAKPOINTS - CONTEXT_BREAKPOINT - 1);
  for (unsigned n = 0; n < BREAKPOINTS; n++) set_breakpoint(n, 0x40001000 + 0x10 * n, PMC_EL0 | BREAKPOINT_BAS);
  for (unsigned n = 0; n < WATCHPOINTS; n++) set_watchpoint(n, 0x40002000 + 0x10 * n, PMC_EL1 | LOADS | BAS(0xf0));
  set_mdscr(MDSCR_MDE | MDSCR_KDE | MDSCR_SS);
  check_value("MDSCR_EL1 reads back", read_sysreg(mdscr_el1), MDSCR_MDE | MDSCR_KDE | MDSCR_SS);
  set_mdscr(MDSCR_SS);
  check_value("MDSCR_EL1 reads back", read_sysreg(mdscr_el1), MDSCR_SS);
  set_mdscr(0);
  check_value("MDSCR_EL1 reads back", read_sysreg(mdscr_el1), 0);
  for (unsigned n = 0; n < BREAKPOINTS; n++) {
    check_value("DBGBVR reads back", breakpoint_value(n), 0x40001000 + 0x10 * n);
    check_value("DBGBCR reads back", breakpoint_control(n), PMC_EL0 | BREAKPOINT_BAS);
  }
  for (unsigned n = 0; n < WATCHPOINTS; n++) {
    check_value("DBGWVR reads back", watchpoint_value(n), 0x40002000 + 0x10 * n);
    check_value("DBGWCR reads back", watchpoint_control(n), PMC_EL1 | LOADS | BAS(0xf0));
  }
  set_os_lock(true);
  check_value("OSLSR_EL1, locked", read_sysreg(oslsr_el1), 0xa);
  set_os_lock(false);
  check_value("OSLSR_EL1, open", read_sysreg(oslsr_el1), 0x8);
  debug_off();
}
