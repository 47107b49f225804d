// A program that makes code and runs it, again and again, all over an arena of 1 MiB: what a just-in-time compiler does to
// the memory it lives in. Each routine is a loop of random arithmetic, compared with the same arithmetic done here.
#include "bench.h"
#include "guest.h"

BENCH(1000)

#define ARENA 0x48000000ul
#define ARENA_SIZE 0x100000ul
#define SLOT_SIZE 256ul
#define OPERATIONS 16
#define CHECKED_ROUNDS 3
#define ROUNDS 5000

#define REGISTERS 8  // x0 to x7; x8 counts

enum operation { ADD, SUB, EOR, ROTATE };
struct step {
  enum operation operation;
  unsigned target, left, right;
};

static uint64_t random_state = 88172645463325252ul;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}

// Arm ARM C4.1.5, C4.1.3.
static uint32_t encode(struct step step) {
  uint32_t registers = step.right << 16 | step.left << 5 | step.target;
  switch (step.operation) {
    case ADD:
      return 0x8b000000u | registers;
    case SUB:
      return 0xcb000000u | registers;
    case EOR:
      return 0xca000000u | registers;
    case ROTATE:
      return 0x93c00000u | step.left << 16 | (step.right + 1) << 10 | step.left << 5 | step.target;
  }
  return 0;
}

static uint64_t perform(struct step step, const uint64_t *x) {
  uint64_t left = x[step.left], right = x[step.right];
  unsigned count = step.right + 1;
  switch (step.operation) {
    case ADD:
      return left + right;
    case SUB:
      return left - right;
    case EOR:
      return left ^ right;
    case ROTATE:
      return left >> count | left << (64 - count);
  }
  return 0;
}

static void write_routine(uint32_t *code, const struct step *steps) {
  uint32_t *at = code;
  for (unsigned i = 0; i < OPERATIONS; i++) *at++ = encode(steps[i]);
  *at++ = 0xf1000508u;                                        // subs x8, x8, #1
  *at++ = 0x54000001u | ((-(OPERATIONS + 1) & 0x7ffffu) << 5);  // b.ne to the first
  *at++ = 0xd65f03c0u;                                        // ret
  // Arm ARM B2.4.4; cache lines have 64 bytes.
  for (uint32_t *line = code; line < at; line += 16) __asm__ volatile("dc cvau, %0" ::"r"(line) : "memory");
  dsb(ish);
  for (uint32_t *line = code; line < at; line += 16) __asm__ volatile("ic ivau, %0" ::"r"(line) : "memory");
  dsb(ish);
  isb();
}

static uint64_t run_routine(const uint32_t *code, uint64_t seed, uint64_t rounds) {
  register uint64_t x0 __asm__("x0") = seed;
  register uint64_t x8 __asm__("x8") = rounds;
  __asm__ volatile(
      "mov x1, #1\n\tmov x2, #2\n\tmov x3, #3\n\tmov x4, #4\n\tmov x5, #5\n\tmov x6, #6\n\tmov x7, #7\n\tblr %2"
      : "+r"(x0), "+r"(x8)
      : "r"(code)
      : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x30", "cc", "memory");
  return x0;
}

static uint64_t model_routine(const struct step *steps, uint64_t seed, uint64_t rounds) {
  uint64_t x[REGISTERS] = {seed, 1, 2, 3, 4, 5, 6, 7};
  for (uint64_t round = 0; round < rounds; round++) {
    for (unsigned i = 0; i < OPERATIONS; i++) x[steps[i].target] = perform(steps[i], x);
  }
  return x[0];
}

void main(void) {
  const uint64_t iterations = bench_iterations.count;
  mmu_start();
  for (uint64_t page = ARENA; page < ARENA + ARENA_SIZE; page += 4096) mmu_map_page(page, page, PAGE_WRITE_CODE, true);
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; i++) {
    struct step steps[OPERATIONS];
    for (unsigned n = 0; n < OPERATIONS; n++) {
      uint64_t random = next_random();
      steps[n] = (struct step){random & 3, random >> 8 & 7, random >> 16 & 7, random >> 24 & 7};
    }
    uint32_t *code = (uint32_t *)(ARENA + next_random() % (ARENA_SIZE / SLOT_SIZE) * SLOT_SIZE);
    write_routine(code, steps);
    if (run_routine(code, i, CHECKED_ROUNDS) != model_routine(steps, i, CHECKED_ROUNDS)) {
      print("FAILED: routine %u at %x\n", i, (uint64_t)code);
      return;
    }
    checksum = checksum * 31 + run_routine(code, i, ROUNDS);
  }
  print("bench-codegen: %u routines, checksum %x\n", iterations, checksum);
}
