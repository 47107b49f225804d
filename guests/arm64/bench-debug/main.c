// A loop to debug: it calls a function each time and works on one page, most of which it leaves alone.
#include "bench.h"
#include "guest.h"

#define PASSES 10000

BENCH(100)

// The first words are worked on; a debugger may watch `untouched`, on the same page, or `elsewhere`.
struct watched_page {
  volatile uint64_t worked[32];
  volatile uint64_t untouched[480];
};
__attribute__((aligned(4096))) struct watched_page data_page;
__attribute__((aligned(4096))) struct watched_page elsewhere;

__attribute__((noinline)) uint64_t visited(uint64_t state, uint64_t pass) {
  state ^= state << 13;
  state ^= state >> 7;
  return (state ^ (state << 17)) + pass;
}

__attribute__((noinline)) static uint64_t work(uint64_t state) {
  for (uint64_t pass = 0; pass < PASSES; pass++) {
    state = visited(state, pass);
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    data_page.worked[pass % 32] = state * 0x2545f4914f6cdd1dul;
  }
  return state + data_page.worked[7];
}

void main(void) {
  const uint64_t iterations = bench_iterations.count;
  mmu_start();
  uint64_t state = 88172645463325252ul;
  for (uint64_t i = 0; i < iterations; i++) state = work(state);
  print("bench-debug: %u iterations, checksum %x\n", iterations, state + data_page.untouched[0] + elsewhere.worked[0]);
}
