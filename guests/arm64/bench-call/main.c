// Calls: recursion, and indirect calls through a table.
#include "bench.h"
#include "guest.h"

BENCH(60)

__attribute__((noinline)) static uint64_t fibonacci(uint64_t n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

__attribute__((noinline)) static uint64_t ackermann(uint64_t m, uint64_t n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

static uint64_t add(uint64_t x) { return x + 17; }
static uint64_t mix(uint64_t x) { return x ^ (x >> 29); }
static uint64_t scale(uint64_t x) { return x * 0x5851f42d4c957f2dul; }
static uint64_t turn(uint64_t x) { return (x << 13) | (x >> 51); }
static uint64_t flip(uint64_t x) { return ~x; }
static uint64_t less(uint64_t x) { return x - (x >> 3); }
static uint64_t swap(uint64_t x) { return __builtin_bswap64(x); }
static uint64_t same(uint64_t x) { return x; }

static uint64_t (*const operations[8])(uint64_t) = {add, mix, scale, turn, flip, less, swap, same};

__attribute__((noinline)) static uint64_t dispatch(uint64_t state, unsigned count) {
  for (unsigned i = 0; i < count; i++) state = operations[(state >> 60) & 7](state) + i;
  return state;
}

void main(void) {
  const uint64_t iterations = bench_iterations.count;
  mmu_start();
  uint64_t checksum = 1;
  for (uint64_t i = 0; i < iterations; i++) {
    checksum += fibonacci(24);
    checksum ^= ackermann(2, 150);
    checksum = dispatch(checksum, 500000);
  }
  print("bench-call: %u iterations, checksum %x\n", iterations, checksum);
}
