// Traces a child of its own through the kernel's debug hardware: PTRACE_SETREGSET of NT_ARM_HW_WATCH and NT_ARM_HW_BREAK,
// PTRACE_SINGLESTEP, BRK; counts what happens, and where. For Linux on arm64, without a C library.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- system calls (asm-generic/unistd.h, uapi/linux/ptrace.h, uapi/linux/elf.h, uapi/asm/ptrace.h) ------------------------

#define SYS_WRITE 64
#define SYS_EXIT 93
#define SYS_KILL 129
#define SYS_PTRACE 117
#define SYS_GETPID 172
#define SYS_CLONE 220
#define SYS_WAIT4 260

#define SIGTRAP 5
#define SIGKILL 9
#define SIGCHLD 17
#define SIGSTOP 19

#define PTRACE_TRACEME 0
#define PTRACE_CONT 7
#define PTRACE_SINGLESTEP 9
#define PTRACE_GETSIGINFO 0x4202
#define PTRACE_GETREGSET 0x4204
#define PTRACE_SETREGSET 0x4205

#define NT_PRSTATUS 1
#define NT_ARM_HW_BREAK 0x402
#define NT_ARM_HW_WATCH 0x403

#define TRAP_BRKPT 1
#define TRAP_TRACE 2
#define TRAP_HWBKPT 4

#define ENABLED 1u
#define USER (2u << 1)
#define EXECUTE (0u << 3)
#define LOAD (1u << 3)
#define STORE (2u << 3)
#define BYTES(mask) ((uint32_t)(mask) << 5)

static long system_call(long number, long a, long b, long c, long d, long e) {
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x8 __asm__("x8") = number;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8) : "memory");
  return x0;
}

struct iovec {
  void *base;
  size_t length;
};

struct registers {
  uint64_t x[31], sp, pc, pstate;
};

struct debug_state {
  uint32_t info, unused;
  struct {
    uint64_t address;
    uint32_t control, unused;
  } registers[16];
};

struct signal_info {
  int32_t signal, error, code, unused;
  uint64_t address;
  uint64_t rest[13];
};

// What the compiler calls for structures.
void *memset(void *target, int byte, size_t size) {
  for (char *at = target; size-- > 0; at++) *at = (char)byte;
  return target;
}

// --- printing ---------------------------------------------------------------------------------------------------------------

static bool failed;

static void print(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  system_call(SYS_WRITE, 1, (long)text, (long)length, 0, 0);
}

static void print_number(int64_t value) {
  char digits[21];
  char *at = digits + sizeof digits - 1;
  *at = 0;
  bool negative = value < 0;
  uint64_t rest = negative ? -(uint64_t)value : (uint64_t)value;
  do {
    *--at = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (negative) *--at = '-';
  print(at);
}

static void check(const char *name, int64_t got, int64_t expected) {
  print("check ptrace, ");
  print(name);
  print(": ");
  print_number(got);
  if (got != expected) {
    failed = true;
    print(", FAILED: expected ");
    print_number(expected);
    print("\n");
  } else {
    print(", ok\n");
  }
}

_Noreturn static void exit_(int status) {
  for (;;) system_call(SYS_EXIT, status, 0, 0, 0, 0);
}

static long check_call(const char *name, long result) {
  if (result < 0) {
    check(name, result, 0);
    exit_(1);
  }
  return result;
}

// --- the child -----------------------------------------------------------------------------------------------------------------

extern void store_bytes(uint64_t *), store_words(uint64_t *), store_pairs(uint64_t *), store_exclusive(uint64_t *), call_five_times(void), stepped(void);
extern char store_of_words[], called[], stepped_brk[], stepped_end[];
extern uint64_t probed(uint64_t);

static uint64_t memory[4] __attribute__((aligned(64)));
#define WATCHED (&memory[2])

static long child;

static void start_child(void (*code)(uint64_t *)) {
  child = check_call("clone", system_call(SYS_CLONE, SIGCHLD, 0, 0, 0, 0));
  if (child == 0) {
    system_call(SYS_PTRACE, PTRACE_TRACEME, 0, 0, 0, 0);
    system_call(SYS_KILL, system_call(SYS_GETPID, 0, 0, 0, 0, 0), SIGSTOP, 0, 0, 0);
    code(WATCHED);
    exit_(42);
  }
  int status;
  check_call("wait", system_call(SYS_WAIT4, child, (long)&status, 0, 0, 0));
}

// --- the parent ----------------------------------------------------------------------------------------------------------------

// Lets the child run on; the signal it stops with, or -1 when it has ended.
static int resume(long request) {
  int status;
  check_call("resume", system_call(SYS_PTRACE, request, child, 0, 0, 0));
  check_call("wait", system_call(SYS_WAIT4, child, (long)&status, 0, 0, 0));
  if ((status & 0x7f) == 0) {
    if (status >> 8 != 42) check("exit status", status >> 8, 42);
    return -1;
  }
  return (status >> 8) & 0xff;
}

static struct registers registers(void) {
  struct registers result;
  struct iovec io = {&result, sizeof result};
  check_call("GETREGSET", system_call(SYS_PTRACE, PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&io, 0));
  return result;
}

static void set_registers(const struct registers *values) {
  struct iovec io = {(void *)values, sizeof *values};
  check_call("SETREGSET", system_call(SYS_PTRACE, PTRACE_SETREGSET, child, NT_PRSTATUS, (long)&io, 0));
}

static struct signal_info signal_info(void) {
  struct signal_info info;
  check_call("GETSIGINFO", system_call(SYS_PTRACE, PTRACE_GETSIGINFO, child, 0, (long)&info, 0));
  return info;
}

static unsigned slots(long kind) {
  struct debug_state state;
  struct iovec io = {&state, sizeof state};
  check_call("GETREGSET of debug registers", system_call(SYS_PTRACE, PTRACE_GETREGSET, child, kind, (long)&io, 0));
  return state.info & 0xff;
}

static void set_slot(long kind, unsigned slot, const void *address, uint32_t control) {
  struct debug_state state = {0};
  state.registers[slot].address = (uint64_t)address;
  state.registers[slot].control = control;
  struct iovec io = {&state, offsetof(struct debug_state, registers) + 16 * (slot + 1)};
  check_call("SETREGSET of debug registers", system_call(SYS_PTRACE, PTRACE_SETREGSET, child, kind, (long)&io, 0));
}

struct hits {
  int count, at_address, at_pc, steps;
};

// Runs the child to its end under one debug register: how often it was hit, and reported the address and PC it should. As gdb
// does, takes the register away at each hit, steps, and sets it again.
static struct hits run_under(long kind, unsigned slot, const void *address, uint32_t control, const void *reported, const void *pc) {
  struct hits hits = {0};
  set_slot(kind, slot, address, ENABLED | USER | control);
  for (;;) {
    int signal = resume(PTRACE_CONT);
    if (signal < 0) return hits;
    struct signal_info info = signal_info();
    if (signal != SIGTRAP || info.code != TRAP_HWBKPT) {
      check("signal of a debug register", signal * 1000 + info.code, SIGTRAP * 1000 + TRAP_HWBKPT);
      system_call(SYS_KILL, child, SIGKILL, 0, 0, 0);
      return hits;
    }
    hits.count++;
    // Each hit of several bytes has its own.
    if (info.address >= (uint64_t)reported && info.address < (uint64_t)reported + 2) hits.at_address++;
    if (pc != NULL && registers().pc == (uint64_t)pc) hits.at_pc++;
    set_slot(kind, slot, address, 0);
    if (resume(PTRACE_SINGLESTEP) == SIGTRAP && signal_info().code == TRAP_TRACE) hits.steps++;
    set_slot(kind, slot, address, ENABLED | USER | control);
  }
}

static void watch(const char *name, void (*code)(uint64_t *), unsigned slot, uint32_t control, int offset, int expected,
                  const void *pc) {
  print("ptrace, ");
  print(name);
  print(":\n");
  start_child(code);
  struct hits hits = run_under(NT_ARM_HW_WATCH, slot, WATCHED, control, (char *)WATCHED + offset, pc);
  check("hits of the watchpoint", hits.count, expected);
  check("at its address", hits.at_address, expected);
  if (pc != NULL) check("by the instruction", hits.at_pc, expected);
  check("steps past it", hits.steps, expected);
}

static void check_watchpoints(void) {
  start_child(store_words);
  check("watchpoints", slots(NT_ARM_HW_WATCH), 4);
  check("breakpoints", slots(NT_ARM_HW_BREAK), 6);
  check("signal at the end", resume(PTRACE_CONT), -1);
  watch("stores to a doubleword", store_words, 0, STORE | BYTES(0xff), 0, 10, store_of_words);
  watch("loads of a doubleword", store_words, 1, LOAD | BYTES(0xff), 0, 10, NULL);
  watch("loads and stores", store_words, 3, LOAD | STORE | BYTES(0xff), 0, 20, NULL);
  watch("stores to the fourth byte", store_bytes, 2, STORE | BYTES(0x08), 3, 1, NULL);
  watch("stores to two bytes in the middle", store_bytes, 0, STORE | BYTES(0x18), 3, 2, NULL);
  watch("pairs", store_pairs, 0, STORE | BYTES(0xff), 0, 2, NULL);
}

static void run_calls(uint64_t *unused) {
  (void)unused;
  call_five_times();
}

static void check_breakpoints(void) {
  for (unsigned slot = 0; slot < 6; slot += 5) {
    print("ptrace, a breakpoint on a function:\n");
    start_child(run_calls);
    struct hits hits = run_under(NT_ARM_HW_BREAK, slot, called, EXECUTE | BYTES(0xf), called, called);
    check("hits of the breakpoint", hits.count, 5);
    check("at its address", hits.at_address, 5);
    check("by the instruction", hits.at_pc, 5);
    check("steps past it", hits.steps, 5);
  }
}

static void run_stepped(uint64_t *unused) {
  (void)unused;
  stepped();
}

static void check_steps(void) {
  // The end of a system call that is stepped is a stop of its own, with code 0.
  static const uint8_t expected[] = {4, 8, 4, 8, 12, 16, 20, 20, 24, 28, 36, 40, 44, 48, 52};
  print("ptrace, steps:\n");
  start_child(run_stepped);
  // A step register gets it there.
  set_slot(NT_ARM_HW_BREAK, 0, (void *)stepped, ENABLED | USER | EXECUTE | BYTES(0xf));
  check("signal at the breakpoint", resume(PTRACE_CONT), SIGTRAP);
  set_slot(NT_ARM_HW_BREAK, 0, (void *)stepped, 0);
  int right = 0, steps = 0, ends_of_calls = 0;
  for (unsigned i = 0; i < sizeof expected; i++) {
    int signal = resume(PTRACE_SINGLESTEP);
    struct registers now = registers();
    struct signal_info info = signal_info();
    if (now.pc == (uint64_t)stepped_brk && signal == SIGTRAP && info.code == TRAP_BRKPT) {
      check("address of the BRK", (int64_t)(info.address - (uint64_t)stepped), 44);
      now.pc += 4;
      set_registers(&now);
      if (expected[i] == 48) right++;
      continue;
    }
    if (signal == SIGTRAP && info.code == TRAP_TRACE) steps++;
    if (signal == SIGTRAP && info.code == 0) ends_of_calls++;
    if (now.pc - (uint64_t)stepped == expected[i]) right++;
  }
  check("steps", steps, sizeof expected - 2);
  check("ends of system calls", ends_of_calls, 1);
  check("stops where they should be", right, sizeof expected);
  check("signal at the end", resume(PTRACE_CONT), -1);
  start_child(store_exclusive);
  steps = 0;
  // An exclusive sequence that is stepped never gets done: the tracer lets it run after a while.
  while (steps < 200 && resume(PTRACE_SINGLESTEP) == SIGTRAP) steps++;
  check("steps in a sequence of exclusives that never ends", steps, 200);
  check("signal at the end", resume(PTRACE_CONT), -1);
}

// For uprobes from outside: called as often as the first argument is long.
static int be_probed(const char *length) {
  uint64_t value = 0;
  for (; *length != 0; length++) value = probed(value);
  return value == 0 ? 1 : 0;
}

int main_(long count, char **arguments) {
  if (count > 1) return be_probed(arguments[1]);
  check_watchpoints();
  check_breakpoints();
  check_steps();
  print(failed ? "ptrace: FAILED\n" : "ptrace: all ok\n");
  return failed ? 1 : 0;
}

__asm__(
    ".text\n"
    ".global _start\n"
    "_start:\n"
    "  ldr x0, [sp]\n"
    "  add x1, sp, #8\n"
    "  and sp, x1, #-16\n"
    "  bl main_\n"
    "  mov x8, #93\n"
    "  svc #0\n");
