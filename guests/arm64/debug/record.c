// What happens to the code under debugging: the exception handler, and the comparison with what should happen.
#include "debug.h"

#define SPSR_EL1H_MASKED 0x3c5
#define CLASS_OF_SVC 0x15

extern void run_code(routine *code, uint64_t argument, uint64_t pstate), back_from_code(void);

struct event events[MOST_EVENTS];
unsigned event_count, checks, failures, steps_wanted;
uint64_t registers_at_end[31];
bool breakpoints_stay, goes_round;
const char *setting;

static uint64_t code_address, code_pstate;

static void record(const struct trap_frame *frame) {
  if (event_count == MOST_EVENTS) {
    print("FAILED: too many exceptions: ESR_EL1 %x, ELR_EL1 %x\n", frame->esr, frame->elr);
    power_off();
  }
  events[event_count++] = (struct event){frame->vector, frame->esr, frame->elr, frame->spsr, frame->far};
}

static void take_interrupt(struct trap_frame *frame) {
  uint64_t interrupt = gic_acknowledge();
  frame->esr = interrupt;  // An interrupt has no syndrome; its number is what there is to see.
  record(frame);
  gic_end(interrupt);
}

void handle_exception(struct trap_frame *frame) {
  if ((frame->vector & 3) == VECTOR_IRQ) {
    take_interrupt(frame);
    return;
  }
  uint64_t class = EXCEPTION_CLASS(frame->esr);
  bool nowhere = class == 0x20 || class == 0x21;
  if (nowhere) record(frame);
  if (nowhere || (class == CLASS_OF_SVC && (frame->esr & 0xffff) == END_OF_ROUTINE)) {
    for (unsigned i = 0; i < 31; i++) registers_at_end[i] = frame->x[i];
    write_sysreg(mdscr_el1, read_sysreg(mdscr_el1) & ~MDSCR_SS);
    frame->elr = (uint64_t)back_from_code;
    frame->spsr = SPSR_EL1H_MASKED;
    return;
  }
  record(frame);
  switch (class) {
    case CLASS_OF_SVC:
      break;
    case 0x0e:
      frame->spsr &= ~PSTATE_IL;
      break;
    case 0x30:
    case 0x31:
      if (breakpoints_stay) {
        frame->elr += 4;
        break;
      }
      for (unsigned n = 0; n < BREAKPOINTS; n++) set_breakpoint(n, breakpoint_value(n), 0);
      break;
    case 0x34:
    case 0x35:
      for (unsigned n = 0; n < WATCHPOINTS; n++) set_watchpoint(n, watchpoint_value(n), 0);
      break;
    case 0x32:
    case 0x33:
      if (event_count == steps_wanted) {
        write_sysreg(mdscr_el1, read_sysreg(mdscr_el1) & ~MDSCR_SS);
        frame->spsr &= ~PSTATE_SS;
        if (goes_round) frame->elr += 4;
      } else {
        frame->spsr |= PSTATE_SS;
      }
      break;
    default:
      frame->elr += 4;
      break;
  }
}

void run(routine *code, uint64_t argument, uint64_t pstate) {
  event_count = 0;
  code_address = (uint64_t)code;
  code_pstate = pstate & ~PSTATE_SS;
  run_code(code, argument, pstate);
}

// --- printing and comparing ----------------------------------------------------------------------------------------------------

static const char *level_name(uint64_t vector) { return vector < 4 ? "EL1t" : vector < 8 ? "EL1h" : "EL0"; }

static void print_event(const struct event *event, uint64_t open, bool show_far) {
  print(" vector %u ESR %x ELR ", event->vector, event->esr & ~open);
  if (event->elr - code_address < 0x100) {
    print("+%x", event->elr - code_address);
  } else {
    print("%x", event->elr);
  }
  print(" SPSR %x", event->spsr);
  if (show_far) print(" FAR %x", event->far);
}

static uint64_t vector_of(uint64_t level) {
  switch (level & 0xf) {
    case 0:
      return 8;
    case 4:
      return 0;
    default:
      return 4;
  }
}

// The classes that come in pairs have the higher number when the exception comes from EL1.
static uint64_t syndrome_at(uint64_t syndrome, uint64_t level) {
  uint64_t class = EXCEPTION_CLASS(syndrome);
  bool paired = class == 0x30 || class == 0x32 || class == 0x34 || class == 0x20 || class == 0x24;
  return (level & 0xf) != 0 && paired ? syndrome + (1ul << 26) : syndrome;
}

static bool matches(const struct event *event, const struct expected *expected) {
  bool far_right = expected->far_last == 0 || (event->far >= expected->far_first && event->far <= expected->far_last);
  return event->vector == vector_of(code_pstate) && (event->esr & ~expected->open) == syndrome_at(expected->syndrome, code_pstate) &&
         event->elr == code_address + expected->offset && event->spsr == (code_pstate ^ expected->pstate) && far_right;
}

static void verdict(bool right) {
  checks++;
  if (!right) failures++;
  print(right ? ": ok\n" : ": FAILED\n");
}

void check_events(const char *name, const struct expected *expected, unsigned count) {
  for (unsigned i = 0; i < event_count || i < count; i++) {
    print("%s, %s, %s:", setting, level_name(vector_of(code_pstate)), name);
    if (i >= event_count) {
      print(" nothing, instead of an exception");
      verdict(false);
    } else if (i >= count) {
      print_event(&events[i], 0, true);
      verdict(false);
    } else {
      print_event(&events[i], expected[i].open, expected[i].far_last != 0);
      verdict(matches(&events[i], &expected[i]));
    }
  }
  if (event_count == 0 && count == 0) {
    print("%s, %s, %s: no exception", setting, level_name(vector_of(code_pstate)), name);
    verdict(true);
  }
}

void check_value(const char *name, uint64_t value, uint64_t expected) {
  print("%s, %s: %x", setting, name, value);
  verdict(value == expected);
}

void check_true(const char *name, bool truth) {
  print("%s, %s", setting, name);
  verdict(truth);
}
