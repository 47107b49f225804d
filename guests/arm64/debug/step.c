// Software step (Arm ARM D2.12): EL1 steps EL0's code, and with MDSCR_EL1.KDE its own.
#include "debug.h"

extern routine el1_step_through, el0_step_through, el1_branch_to_self, el0_branch_to_self, el1_step_exclusive,
    el0_step_exclusive, el1_step_hints, el0_step_hints, el1_step_svc, el0_step_svc, el1_step_brk, el0_step_brk,
    el1_step_access, el0_step_access, el1_step_undefined, el0_step_undefined, el1_step_system, el0_step_system, el1_nops,
    el0_nops, el1_mask_debug, el1_exception_return, el1_step_traps, el1_step_device;

#define UART_LCR_H 0x0900002cul
#define UNMAPPED 0x7000000000ul

static uint64_t data[8] __attribute__((section(".user.data"), aligned(64)));
#define DATA ((uint64_t)data)

// Runs code with a step to come, at EL1 and at EL0.
static void step_at_el1(routine *code, uint64_t argument) {
  set_mdscr(MDSCR_SS | MDSCR_KDE);
  run(code, argument, AT_EL1H | PSTATE_SS);
}

static void step_at_el0(routine *code, uint64_t argument) {
  set_mdscr(MDSCR_SS);
  run(code, argument, AT_EL0 | PSTATE_SS);
}

#define AT_BOTH(name, code, argument, ...) \
  do {                                     \
    step_at_el1(el1_##code, argument);     \
    CHECK(name, __VA_ARGS__);              \
    step_at_el0(el0_##code, argument);     \
    CHECK(name, __VA_ARGS__);              \
  } while (0)

static void check_plain(void) {
  AT_BOTH("stepping through", step_through, DATA, STEP(4), STEP(8), STEP(16), STEP(20), STEP(24), STEP(28), STEP(36), STEP(32),
          STEP(40), STEP(44));
  goes_round = true;
  steps_wanted = 4;
  AT_BOTH("stepping a branch to itself", branch_to_self, 0, STEP(0), STEP_EITHER(0), STEP_EITHER(0), STEP_EITHER(0));
  goes_round = false;
  steps_wanted = 2;
  AT_BOTH("two steps, then no more", nops, 0, STEP(4), STEP(8));
  steps_wanted = 0;
  AT_BOTH("stepping hints and barriers", step_hints, 0, STEP(4), STEP(8), STEP(12), STEP_EITHER(16), STEP(20));
  AT_BOTH("stepping accesses to system registers", step_system, 0, STEP(4), STEP(8), STEP(12), STEP(16), STEP(20));
  check_value("what was written to TPIDR_EL0", read_sysreg(tpidr_el0), VALUE);
  step_at_el1(el1_step_device, UART_LCR_H);
  CHECK("stepping accesses to a device", STEP(4), STEP(8), STEP(12), STEP(16));
}

static void check_enables(void) {
  set_mdscr(MDSCR_SS);
  run(el1_nops, 0, AT_EL1H | PSTATE_SS);
  CHECK_NOTHING("SS without KDE");
  set_mdscr(MDSCR_SS | MDSCR_KDE);
  run(el1_nops, 0, AT_EL1H | PSTATE_SS | PSTATE_D);
  CHECK_NOTHING("SS, PSTATE.D set");
  set_mdscr(MDSCR_SS);
  run(el0_nops, 0, AT_EL0 | PSTATE_SS | PSTATE_D);
  CHECK("SS, PSTATE.D set", STEP(4), STEP(8), STEP(12), STEP(16));
  set_mdscr(MDSCR_MDE | MDSCR_KDE);
  run(el0_nops, 0, AT_EL0 | PSTATE_SS);
  CHECK_NOTHING("MDE and KDE without SS");
  steps_wanted = 1;
  set_mdscr(MDSCR_SS);
  run(el0_nops, 0, AT_EL0);
  CHECK("SPSR_EL1.SS clear: pending at once", STEP_OF_NOTHING(0));
  set_mdscr(MDSCR_SS | MDSCR_KDE);
  run(el1_nops, 0, AT_EL1T);
  CHECK("SPSR_EL1.SS clear: pending at once", STEP_OF_NOTHING(0));
  steps_wanted = 0;
  set_mdscr(MDSCR_SS | MDSCR_KDE);
  run(el1_mask_debug, 0, AT_EL1H | PSTATE_SS);
  CHECK("MSR DAIFSet and DAIFClr of D", STEP(4), STEP_OF_NOTHING(20), STEP(24), STEP(28));
}

static void check_exceptions(void) {
  // The exception of an SVC counts as the step of it; the step is reported after the return.
  AT_BOTH("stepping an SVC", step_svc, 0, STEP(4), SVC_(8, 0x12), STEP_EITHER(8), STEP(12));
  // What is to be executed again has not been stepped: SPSR_EL1.SS says so.
  AT_BOTH("stepping a BRK that the handler skips", step_brk, 0, STEP(4),
          {.syndrome = CLASS(0x3c) | 0x77, .offset = 4, .pstate = PSTATE_SS}, STEP(12));
  AT_BOTH("stepping an undefined instruction that the handler skips", step_undefined, 0, STEP(4),
          {.syndrome = 0 | IL, .offset = 4, .pstate = PSTATE_SS}, STEP(12));
  goes_round = true;
  steps_wanted = 3;
  step_at_el1(el1_exception_return, 0);
  CHECK("stepping an ERET to itself", STEP_EITHER(0), STEP_EITHER(0), STEP_EITHER(0));
  goes_round = false;
  steps_wanted = 0;
}

static void check_with_others(void) {
  set_mdscr(MDSCR_SS | MDSCR_MDE | MDSCR_KDE);
  set_breakpoint(1, (uint64_t)el0_nops + 4, CONTROL_E | PMC_EL0 | BREAKPOINT_BAS);
  run(el0_nops, 0, AT_EL0 | PSTATE_SS);
  CHECK("stepping onto a breakpoint", STEP(4), {.syndrome = CLASS(0x30) | DEBUG_FAULT, .offset = 4, .pstate = PSTATE_SS},
        STEP(8), STEP(12), STEP(16));
  set_mdscr(MDSCR_SS | MDSCR_MDE | MDSCR_KDE);
  set_breakpoint(1, (uint64_t)el1_nops + 4, CONTROL_E | PMC_EL1 | BREAKPOINT_BAS);
  run(el1_nops, 0, AT_EL1H | PSTATE_SS);
  CHECK("stepping onto a breakpoint", STEP(4), {.syndrome = CLASS(0x30) | DEBUG_FAULT, .offset = 4, .pstate = PSTATE_SS},
        STEP(8), STEP(12), STEP(16));
  set_mdscr(MDSCR_SS | MDSCR_MDE | MDSCR_KDE);
  set_watchpoint(0, DATA, CONTROL_E | PMC_BOTH | LOADS | BAS(0xff));
  run(el0_step_access, DATA, AT_EL0 | PSTATE_SS);
  CHECK("stepping a watched access", STEP(4),
        {.syndrome = CLASS(0x34) | DEBUG_FAULT, .offset = 4, .pstate = PSTATE_SS, .far_first = DATA, .far_last = DATA + 7}, STEP(8),
        STEP(12));
  set_mdscr(MDSCR_SS | MDSCR_MDE | MDSCR_KDE);
  set_watchpoint(0, DATA, CONTROL_E | PMC_BOTH | LOADS | BAS(0xff));
  run(el1_step_access, DATA, AT_EL1T | PSTATE_SS);
  CHECK("stepping a watched access", STEP(4),
        {.syndrome = CLASS(0x34) | DEBUG_FAULT, .offset = 4, .pstate = PSTATE_SS, .far_first = DATA, .far_last = DATA + 7}, STEP(8),
        STEP(12));
}

static void check_normal_memory(void) {
  // Each return from a step's exception clears the exclusive monitor: the store fails.
  AT_BOTH("stepping exclusives", step_exclusive, DATA, STEP_OF_EXCLUSIVE(4), STEP(8), STEP_OF_EXCLUSIVE(12),
          STEP_OF_EXCLUSIVE(16), STEP(20), STEP(24));
  check_value("the status of the store-exclusive", registers_at_end[3], 1);
  step_at_el0(el0_step_access, UNMAPPED);
  CHECK("stepping an access that aborts and that the handler skips", STEP(4),
        {.syndrome = CLASS(0x24) | 5, .offset = 4, .pstate = PSTATE_SS, .far_first = UNMAPPED, .far_last = UNMAPPED}, STEP(12));
  step_at_el1(el1_step_access, UNMAPPED);
  CHECK("stepping an access that aborts and that the handler skips", STEP(4),
        {.syndrome = CLASS(0x24) | 5, .offset = 4, .pstate = PSTATE_SS, .far_first = UNMAPPED, .far_last = UNMAPPED}, STEP(12));
}

#define SGI 5

// An interrupt that is taken before the stepped instruction leaves the step to come.
static void check_interrupts(void) {
  gic_start();
  gic_enable_private(0, SGI);
  write_sysreg(s3_0_c12_c11_5, (uint64_t)SGI << 24 | 1);  // ICC_SGI1R_EL1: to CPU 0
  isb();
  set_mdscr(MDSCR_SS);
  run(el0_nops, 0, (AT_EL0 & ~PSTATE_I) | PSTATE_SS);
  check_true("an interrupt and four steps", event_count == 5);
  check_value("vector of the first", events[0].vector, 9);
  check_value("interrupt", events[0].esr, SGI);
  check_value("its ELR_EL1", events[0].elr - (uint64_t)el0_nops, 0);
  check_value("its SPSR_EL1", events[0].spsr, (AT_EL0 & ~PSTATE_I) | PSTATE_SS);
  for (unsigned i = 1; i < event_count; i++) {
    check_value("then a step: ESR_EL1", i == 1 ? events[i].esr | ISV : events[i].esr, CLASS(0x32) | DEBUG_FAULT | ISV);
    check_value("its ELR_EL1", events[i].elr - (uint64_t)el0_nops, 4 * i);
  }
}

void check_steps(void) {
  check_plain();
  check_enables();
  check_exceptions();
  step_at_el1(el1_step_traps, 0);
  CHECK("stepping registers that may be trapped, and HVC", STEP(4), STEP(8), STEP(12), STEP(16), STEP(20), STEP(24), STEP(28),
        STEP_EITHER(32), STEP(36));
  check_value("the HVC's answer is a version", registers_at_end[0] != ~0ul && registers_at_end[0] != 0x84000000, 1);
  check_with_others();
  debug_off();
  if ((read_sysreg(sctlr_el1) & 1) != 0) {
    check_normal_memory();
    check_interrupts();
  }
  debug_off();
}
