// What the parts of this guest share: code that runs under its own debugging, what happened to it, what should have.
#pragma once

#include "guest.h"

// --- PSTATE (SPSR_EL1) --------------------------------------------------------------------------------------------------

#define PSTATE_SS (1ul << 21)
#define PSTATE_IL (1ul << 20)
#define PSTATE_D (1ul << 9)
#define PSTATE_A (1ul << 8)
#define PSTATE_I (1ul << 7)
#define PSTATE_F (1ul << 6)
// Where code runs; SError, IRQ and FIQ are masked, debug exceptions are not.
#define AT_EL0 (PSTATE_A | PSTATE_I | PSTATE_F)
#define AT_EL1T (AT_EL0 | 4)
#define AT_EL1H (AT_EL0 | 5)

// --- debug registers (Arm ARM D17.3) ------------------------------------------------------------------------------------

#define MDSCR_SS (1ul << 0)
#define MDSCR_KDE (1ul << 13)
#define MDSCR_MDE (1ul << 15)

#define BREAKPOINTS 6
#define WATCHPOINTS 4
// The last two breakpoints compare contexts as well.
#define CONTEXT_BREAKPOINT 4

#define CONTROL_E (1ul << 0)
#define PMC_EL1 (1ul << 1)
#define PMC_EL0 (2ul << 1)
#define PMC_BOTH (3ul << 1)
#define LBN(n) ((uint64_t)(n) << 16)
#define BREAKPOINT_BAS (0xful << 5)
#define TYPE(n) ((uint64_t)(n) << 20)
#define TYPE_ADDRESS TYPE(0)
#define TYPE_LINKED_ADDRESS TYPE(1)
#define TYPE_CONTEXT TYPE(2)
#define TYPE_LINKED_CONTEXT TYPE(3)
#define LOADS (1ul << 3)
#define STORES (2ul << 3)
#define BAS(n) ((uint64_t)(n) << 5)
#define WATCHPOINT_LINKED (1ul << 20)
#define MASK(n) ((uint64_t)(n) << 24)

void set_breakpoint(unsigned n, uint64_t value, uint64_t control);
void set_watchpoint(unsigned n, uint64_t value, uint64_t control);
uint64_t breakpoint_value(unsigned n);
uint64_t breakpoint_control(unsigned n);
uint64_t watchpoint_value(unsigned n);
uint64_t watchpoint_control(unsigned n);
// All breakpoints and watchpoints off, MDSCR_EL1 zero, OS lock open, CONTEXTIDR_EL1 zero.
void debug_off(void);
void set_mdscr(uint64_t value);
void set_os_lock(bool locked);

// --- code that runs under debugging -------------------------------------------------------------------------------------

// Code of code.inc, at EL1 and at EL0: el1_NAME and el0_NAME. It ends with SVC #END_OF_ROUTINE.
#define END_OF_ROUTINE 0xe0d
typedef void routine(void);

// Runs code with this PSTATE and x0, and clears the record of what happened before. x1 is VALUE.
#define VALUE 0x1122334455667788ul
void run(routine *code, uint64_t argument, uint64_t pstate);
// The registers at its end.
extern uint64_t registers_at_end[31];

// What the handler of this guest does, beside recording: BRK, data aborts and undefined instructions are skipped, an
// instruction abort ends the run, illegal state is mended; a breakpoint takes all breakpoints off, a watchpoint all watchpoints; a step ends stepping if it was the last wanted.
// How many steps there are to be; 0 for no end.
extern unsigned steps_wanted;
// The code goes round for ever: it leaves its place after the last step.
extern bool goes_round;
// Breakpoints stay on: the instruction is skipped.
extern bool breakpoints_stay;

// --- what should have happened --------------------------------------------------------------------------------------------

struct expected {
  // ESR_EL1 as for an exception from EL0.
  uint64_t syndrome;
  // ELR_EL1 relative to the code.
  uint64_t offset;
  // What SPSR_EL1 has beside the PSTATE the code began with.
  uint64_t pstate;
  // ESR_EL1 bits that the architecture leaves open: they are shown as 0.
  uint64_t open;
  // Bounds of FAR_EL1, if it is to be looked at.
  uint64_t far_first, far_last;
};

#define IL (1ul << 25)
#define DEBUG_FAULT 0x22ul
#define CLASS(n) (((uint64_t)(n) << 26) | IL)
#define ISV (1ul << 24)
#define EX (1ul << 6)
#define WNR (1ul << 6)

#define BRK_(at, immediate) {.syndrome = CLASS(0x3c) | (immediate), .offset = (at)}
#define BREAKPOINT(at) {.syndrome = CLASS(0x30) | DEBUG_FAULT, .offset = (at)}
#define STEP_(at, bits) {.syndrome = CLASS(0x32) | DEBUG_FAULT | (bits), .offset = (at)}
// After an instruction; after nothing (the step machine became active in its pending state); after a load-exclusive.
#define STEP(at) STEP_(at, ISV)
#define STEP_OF_NOTHING(at) STEP_(at, 0)
#define STEP_OF_EXCLUSIVE(at) STEP_(at, ISV | EX)
// After an ISB or ERET, or with another exception in between, ISV may be either (SoftwareStep_DidNotStep, Arm ARM J1.3.3).
#define STEP_EITHER(at) {.syndrome = CLASS(0x32) | DEBUG_FAULT, .open = ISV, .offset = (at)}
#define WATCHED(at, bits, first, last) \
  {.syndrome = CLASS(0x34) | DEBUG_FAULT | (bits), .offset = (at), .far_first = (first), .far_last = (last)}
#define LOAD_WATCHED(at, first, last) WATCHED(at, 0, first, last)
#define STORE_WATCHED(at, first, last) WATCHED(at, WNR, first, last)
#define SVC_(at, immediate) {.syndrome = CLASS(0x15) | (immediate), .offset = (at)}

void check_events(const char *name, const struct expected *expected, unsigned count);
// Compares and prints what happened: a line for each exception.
#define CHECK(name, ...)                                                                                                 \
  do {                                                                                                                 \
    const struct expected expected_[] = {__VA_ARGS__};                                                                 \
    check_events(name, expected_, sizeof expected_ / sizeof *expected_);                                               \
  } while (0)
#define CHECK_NOTHING(name) check_events(name, NULL, 0)
// Compares two numbers and prints the one.
void check_value(const char *name, uint64_t value, uint64_t expected);
// Whether something is true; `name` says what.
void check_true(const char *name, bool truth);
// The events since the last run, for what is checked by hand.
struct event {
  uint64_t vector, esr, elr, spsr, far;
};
#define MOST_EVENTS 48
extern struct event events[MOST_EVENTS];
extern unsigned event_count;

extern unsigned checks, failures;
// "MMU off" or "MMU on": begins every line.
extern const char *setting;

// --- the parts -------------------------------------------------------------------------------------------------------------

void check_break_instructions(void);
void check_breakpoints(void);
void check_breakpoints_of_unmapped_code(void);
void check_watchpoints(void);
// What needs Normal memory: unaligned accesses, exclusives, DC ZVA, permissions.
void check_watchpoints_of_normal_memory(void);
void check_steps(void);
void check_locks(void);
void check_registers(void);
