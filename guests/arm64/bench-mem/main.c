// Memory work with the MMU on: copies, and walks with strides that miss a TLB of any usual size.
#include "bench.h"
#include "guest.h"

BENCH(32)

#define SIZE (4u << 20)
#define STRIDE_ROUNDS 64

static uint64_t from[SIZE / 8], to[SIZE / 8];

__attribute__((noinline)) static void fill(uint64_t seed) {
  for (unsigned i = 0; i < SIZE / 8; i++) from[i] = (seed += 0x9e3779b97f4a7c15ul);
}

// 32 bytes at a time, as a library's copy does.
__attribute__((noinline)) static void copy_pairs(void) {
  const uint64_t *source = from, *end = from + SIZE / 8;
  uint64_t *target = to;
  uint64_t a, b, c, d;
  while (source != end) {
    __asm__ volatile(
        "ldp %0, %1, [%4]\n\tldp %2, %3, [%4, #16]\n\tadd %4, %4, #32\n\t"
        "stp %0, %1, [%5]\n\tstp %2, %3, [%5, #16]\n\tadd %5, %5, #32"
        : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d), "+&r"(source), "+&r"(target)::"memory");
  }
}

__attribute__((noinline)) static void copy_bytes(unsigned count) {
  const volatile uint8_t *source = (const volatile uint8_t *)from;
  volatile uint8_t *target = (volatile uint8_t *)to;
  for (unsigned i = 0; i < count; i++) target[i] = source[i] + 1;
}

// One word from every page, STRIDE_ROUNDS times, each time another word.
__attribute__((noinline)) static uint64_t walk_pages(void) {
  uint64_t sum = 0;
  for (unsigned round = 0; round < STRIDE_ROUNDS; round++) {
    for (unsigned at = round; at < SIZE / 8; at += 512) {
      sum += to[at];
      to[at] = sum;
    }
  }
  return sum;
}

void main(void) {
  const uint64_t iterations = bench_iterations.count;
  mmu_start();
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; i++) {
    fill(i);
    copy_pairs();
    copy_bytes(SIZE / 4);
    checksum = checksum * 31 + walk_pages();
  }
  print("bench-mem: %u iterations, checksum %x\n", iterations, checksum);
}
