// Four CPUs, started by PSCI CPU_ON, count together: under a lock of exclusives (LDAXR/STLXR), under a lock of LSE's SWPAL,
// and with LSE's LDADDAL alone.
#include "guest.h"

#define CPUS 4
#define ROUNDS 5000
#define STACK_SIZE 0x4000

static char stacks[CPUS][STACK_SIZE] __attribute__((aligned(16)));
static struct cpu_context contexts[CPUS] __attribute__((aligned(64)));

static uint64_t exclusive_lock __attribute__((aligned(64)));
static uint64_t exclusive_counter __attribute__((aligned(64)));
static uint64_t swap_lock __attribute__((aligned(64)));
static uint64_t swap_counter __attribute__((aligned(64)));
static uint64_t atomic_counter __attribute__((aligned(64)));
static uint64_t finished __attribute__((aligned(64)));
static bool has_lse;

static void lock_exclusive(uint64_t *lock) {
  uint64_t value, failed;
  __asm__ volatile(
      "   sevl\n"
      "1: wfe\n"
      "   ldaxr   %0, [%2]\n"
      "   cbnz    %0, 1b\n"
      "   stxr    %w1, %3, [%2]\n"
      "   cbnz    %w1, 2f\n"
      "   b       3f\n"
      "2: sevl\n"
      "   b       1b\n"
      "3:\n"
      : "=&r"(value), "=&r"(failed)
      : "r"(lock), "r"(1ul)
      : "memory");
}

static void unlock(uint64_t *lock) { __asm__ volatile("stlr xzr, [%0]\n\tsev" ::"r"(lock) : "memory"); }

__attribute__((target("lse"))) static void lock_swap(uint64_t *lock) {
  uint64_t value;
  do {
    __asm__ volatile("swpal %2, %0, [%1]" : "=r"(value) : "r"(lock), "r"(1ul) : "memory");
  } while (value != 0);
}

__attribute__((target("lse"))) static void add_atomically(uint64_t *counter) {
  __asm__ volatile("ldaddal %0, xzr, [%1]" ::"r"(1ul), "r"(counter) : "memory");
}

static void add_exclusively(uint64_t *counter) {
  uint64_t value;
  uint32_t failed;
  do {
    __asm__ volatile("ldaxr %0, [%1]" : "=r"(value) : "r"(counter) : "memory");
    __asm__ volatile("stlxr %w0, %2, [%1]" : "=&r"(failed) : "r"(counter), "r"(value + 1) : "memory");
  } while (failed);
}

static void count(void) {
  for (unsigned round = 0; round < ROUNDS; round++) {
    lock_exclusive(&exclusive_lock);
    // Plain loads and stores: only the lock keeps the sum right.
    *(volatile uint64_t *)&exclusive_counter = *(volatile uint64_t *)&exclusive_counter + 1;
    unlock(&exclusive_lock);
    if (has_lse) {
      lock_swap(&swap_lock);
      *(volatile uint64_t *)&swap_counter = *(volatile uint64_t *)&swap_counter + 1;
      unlock(&swap_lock);
      add_atomically(&atomic_counter);
    }
  }
  add_exclusively(&finished);
}

static void secondary_main(uint64_t cpu) {
  mmu_join();
  if ((read_sysreg(mpidr_el1) & 0xff) == cpu) count();
}

void main(void) {
  mmu_start();
  has_lse = ((read_sysreg(id_aa64isar0_el1) >> 20) & 0xf) >= 2;

  int64_t nobody = psci_call(PSCI_CPU_ON, 0x7f, (uint64_t)secondary_start, 0);
  print("CPU_ON of a CPU that is not there: %d\n", nobody);
  int64_t self = psci_call(PSCI_CPU_ON, 0, (uint64_t)secondary_start, 0);
  print("CPU_ON of the boot CPU: %d\n", self);
  bool ok = nobody == PSCI_INVALID_PARAMETERS && self == PSCI_ALREADY_ON;

  for (uint64_t cpu = 1; cpu < CPUS; cpu++) {
    contexts[cpu] = (struct cpu_context){(uint64_t)stacks[cpu] + STACK_SIZE, secondary_main, cpu};
    // The new CPU reads it with its caches off.
    __asm__ volatile("dc civac, %0\n\tdsb sy" ::"r"(&contexts[cpu]) : "memory");
    int64_t result = psci_call(PSCI_CPU_ON, cpu, (uint64_t)secondary_start, (uint64_t)&contexts[cpu]);
    print("CPU_ON of CPU %u: %d\n", cpu, result);
    ok = ok && result == PSCI_SUCCESS;
  }
  count();
  while (*(volatile uint64_t *)&finished != CPUS) {
  }
  for (uint64_t cpu = 1; cpu < CPUS; cpu++) {
    while (psci_call(PSCI_AFFINITY_INFO, cpu, 0, 0) != 1) {
    }
    print("CPU %u is off again\n", cpu);
  }

  print("counted under a lock of exclusives: %u\n", exclusive_counter);
  ok = ok && exclusive_counter == CPUS * ROUNDS;
  if (has_lse) {
    print("counted under a lock of SWPAL: %u\n", swap_counter);
    print("counted by LDADDAL: %u\n", atomic_counter);
    ok = ok && swap_counter == CPUS * ROUNDS && atomic_counter == CPUS * ROUNDS;
  } else {
    print("no LSE on this CPU\n");
  }
  print("smp: %s\n", ok ? "OK" : "FAILED");
}
