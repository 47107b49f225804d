// Breakpoints in DBGBVR and DBGBCR (Arm ARM D2.8).
#include "debug.h"

extern routine el1_nops, el0_nops, el1_break_at_brk, el0_break_at_brk, el1_supervisor_call, el0_supervisor_call, el1_str,
    el0_str;

#define BOTH_ENABLED (MDSCR_MDE | MDSCR_KDE)
#define CONTEXT 0x1234

static char data[64] __attribute__((section(".user.data"), aligned(64)));

// What selects an Exception level, and where it must and must not hit (Arm ARM D2.8.3, Table D2-9).
static const struct {
  const char *name;
  uint64_t control;
  bool hits_el1, hits_el0;
} selections[] = {
    {"PMC 1", PMC_EL1, true, false},
    {"PMC 2", PMC_EL0, false, true},
    {"PMC 3", PMC_BOTH, true, true},
};

static const struct {
  const char *name;
  uint64_t mdscr, pstate;
  bool hits_el1, hits_el0;
} enables[] = {
    {"MDE and KDE clear", 0, 0, false, false},
    {"KDE without MDE", MDSCR_KDE, 0, false, false},
    {"MDE without KDE", MDSCR_MDE, 0, false, true},
    {"MDE and KDE", BOTH_ENABLED, 0, true, true},
    {"PSTATE.D set", BOTH_ENABLED, PSTATE_D, false, true},
};

static void check_one(const char *name, bool hits, uint64_t offset) {
  if (hits) {
    CHECK(name, BREAKPOINT(offset));
  } else {
    CHECK_NOTHING(name);
  }
}

static void break_at(unsigned n, routine *code, uint64_t offset, uint64_t control) {
  set_breakpoint(n, (uint64_t)code + offset, CONTROL_E | BREAKPOINT_BAS | control);
}

static void check_levels(void) {
  for (unsigned i = 0; i < sizeof selections / sizeof *selections; i++) {
    set_mdscr(BOTH_ENABLED);
    break_at(2, el1_nops, 8, selections[i].control);
    run(el1_nops, 0, AT_EL1H);
    check_one(selections[i].name, selections[i].hits_el1, 8);
    break_at(2, el0_nops, 8, selections[i].control);
    run(el0_nops, 0, AT_EL0);
    check_one(selections[i].name, selections[i].hits_el0, 8);
  }
  for (unsigned i = 0; i < sizeof enables / sizeof *enables; i++) {
    set_mdscr(enables[i].mdscr);
    break_at(0, el1_nops, 4, PMC_BOTH);
    break_at(1, el0_nops, 4, PMC_BOTH);
    run(el1_nops, 0, AT_EL1H | enables[i].pstate);
    check_one(enables[i].name, enables[i].hits_el1, 4);
    break_at(0, el1_nops, 4, PMC_BOTH);
    break_at(1, el0_nops, 4, PMC_BOTH);
    run(el0_nops, 0, AT_EL0 | enables[i].pstate);
    check_one(enables[i].name, enables[i].hits_el0, 4);
  }
}

static void check_contexts(void) {
  set_mdscr(BOTH_ENABLED);
  for (unsigned n = CONTEXT_BREAKPOINT; n < BREAKPOINTS; n++) {
    write_sysreg(contextidr_el1, CONTEXT);
    set_breakpoint(n, CONTEXT, CONTROL_E | PMC_BOTH | BREAKPOINT_BAS | TYPE_LINKED_CONTEXT);
    break_at(0, el1_nops, 4, PMC_BOTH | TYPE_LINKED_ADDRESS | LBN(n));
    run(el1_nops, 0, AT_EL1H);
    CHECK("address linked to a context that is", BREAKPOINT(4));
    set_breakpoint(n, CONTEXT, CONTROL_E | PMC_BOTH | BREAKPOINT_BAS | TYPE_LINKED_CONTEXT);
    break_at(0, el0_nops, 4, PMC_BOTH | TYPE_LINKED_ADDRESS | LBN(n));
    run(el0_nops, 0, AT_EL0);
    CHECK("address linked to a context that is", BREAKPOINT(4));
    set_breakpoint(n, CONTEXT + 1, CONTROL_E | PMC_BOTH | BREAKPOINT_BAS | TYPE_LINKED_CONTEXT);
    break_at(0, el1_nops, 4, PMC_BOTH | TYPE_LINKED_ADDRESS | LBN(n));
    run(el1_nops, 0, AT_EL1H);
    CHECK_NOTHING("address linked to another context");
    set_breakpoint(n, CONTEXT, PMC_BOTH | BREAKPOINT_BAS | TYPE_LINKED_CONTEXT);
    run(el1_nops, 0, AT_EL1H);
    CHECK_NOTHING("address linked to a breakpoint that is off");
    debug_off();
    set_mdscr(BOTH_ENABLED);
  }
  write_sysreg(contextidr_el1, CONTEXT);
  set_breakpoint(5, CONTEXT, CONTROL_E | PMC_EL0 | BREAKPOINT_BAS | TYPE_CONTEXT);
  run(el0_nops, 0, AT_EL0);
  CHECK("a context alone", BREAKPOINT(0));
  set_breakpoint(5, CONTEXT + 1, CONTROL_E | PMC_EL0 | BREAKPOINT_BAS | TYPE_CONTEXT);
  run(el0_nops, 0, AT_EL0);
  CHECK_NOTHING("another context alone");
  set_breakpoint(5, CONTEXT, CONTROL_E | PMC_EL1 | BREAKPOINT_BAS | TYPE_CONTEXT);
  run(el1_nops, 0, AT_EL1H);
  CHECK("a context alone", BREAKPOINT(0));
  set_breakpoint(5, CONTEXT, CONTROL_E | PMC_EL1 | BREAKPOINT_BAS | TYPE_CONTEXT);
  run(el0_nops, 0, AT_EL0);
  CHECK_NOTHING("a context alone, of EL1");
}

static void check_order(void) {
  set_mdscr(BOTH_ENABLED);
  break_at(0, el1_break_at_brk, 0, PMC_EL1);
  run(el1_break_at_brk, 0, AT_EL1H);
  CHECK("a breakpoint before the BRK at its address", BREAKPOINT(0), BRK_(0, 7));
  break_at(0, el0_break_at_brk, 0, PMC_EL0);
  run(el0_break_at_brk, 0, AT_EL0);
  CHECK("a breakpoint before the BRK at its address", BREAKPOINT(0), BRK_(0, 7));
  break_at(0, el1_supervisor_call, 4, PMC_EL1);
  run(el1_supervisor_call, 0, AT_EL1H);
  CHECK("a breakpoint before an SVC", BREAKPOINT(4), SVC_(8, 0x12));
  break_at(0, el0_supervisor_call, 8, PMC_EL0);
  run(el0_supervisor_call, 0, AT_EL0);
  CHECK("a breakpoint after an SVC", SVC_(8, 0x12), BREAKPOINT(8));
  break_at(0, el0_str, 0, PMC_EL0);
  set_watchpoint(0, (uint64_t)data, CONTROL_E | PMC_EL0 | LOADS | STORES | BAS(0xff));
  run(el0_str, (uint64_t)data, AT_EL0);
  CHECK("a breakpoint before a watchpoint", BREAKPOINT(0), STORE_WATCHED(0, (uint64_t)data, (uint64_t)data + 7));
  // Illegal state comes after a breakpoint (Arm ARM D1.3.5.4).
  break_at(0, el0_nops, 0, PMC_EL0);
  run(el0_nops, 0, AT_EL0 | PSTATE_IL);
  CHECK("a breakpoint before illegal state", BREAKPOINT(0), {.syndrome = CLASS(0x0e)});
  breakpoints_stay = true;
  for (unsigned n = 0; n < 4; n++) break_at(n, el0_nops, n * 4, PMC_EL0);
  run(el0_nops, 0, AT_EL0);
  CHECK("four breakpoints that stay", BREAKPOINT(0), BREAKPOINT(4), BREAKPOINT(8), BREAKPOINT(12));
  for (unsigned n = 0; n < 4; n++) break_at(n, el1_nops, n * 4, PMC_EL1);
  run(el1_nops, 0, AT_EL1T);
  CHECK("four breakpoints that stay", BREAKPOINT(0), BREAKPOINT(4), BREAKPOINT(8), BREAKPOINT(12));
  breakpoints_stay = false;
}

void check_breakpoints(void) {
  set_mdscr(BOTH_ENABLED);
  for (unsigned n = 0; n < BREAKPOINTS; n++) {
    break_at(n, el1_nops, 4, PMC_EL1);
    run(el1_nops, 0, (n & 1) != 0 ? AT_EL1T : AT_EL1H);
    CHECK("each breakpoint", BREAKPOINT(4));
    break_at(n, el0_nops, 12, PMC_EL0);
    run(el0_nops, 0, AT_EL0);
    CHECK("each breakpoint", BREAKPOINT(12));
  }
  check_levels();
  check_contexts();
  check_order();
  debug_off();
}

// The fetch's fault comes before a breakpoint (Arm ARM D1.3.5.4).
void check_breakpoints_of_unmapped_code(void) {
  routine *unmapped = (routine *)0x7000000000ul;
  set_mdscr(BOTH_ENABLED);
  break_at(0, unmapped, 0, PMC_BOTH);
  run(unmapped, 0, AT_EL0);
  CHECK("a breakpoint where nothing is mapped",
        {.syndrome = CLASS(0x20) | 5, .far_first = (uint64_t)unmapped, .far_last = (uint64_t)unmapped});
  run(unmapped, 0, AT_EL1H);
  CHECK("a breakpoint where nothing is mapped",
        {.syndrome = CLASS(0x20) | 5, .far_first = (uint64_t)unmapped, .far_last = (uint64_t)unmapped});
  debug_off();
}
