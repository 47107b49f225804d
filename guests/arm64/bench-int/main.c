// Integer work: a random number generator, a sieve and a sort, again and again.
#include "bench.h"
#include "guest.h"

BENCH(150)

#define SIEVE_SIZE 65536
#define SORT_SIZE 16384

static uint8_t sieve[SIEVE_SIZE];
static uint32_t values[SORT_SIZE];

static uint64_t xorshift(uint64_t state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

__attribute__((noinline)) static uint64_t random_sum(uint64_t state, unsigned count) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < count; i++) {
    state = xorshift(state);
    sum += state & 0xffff;
  }
  return sum;
}

__attribute__((noinline)) static unsigned count_primes(void) {
  for (unsigned i = 0; i < SIEVE_SIZE; i++) sieve[i] = 1;
  unsigned primes = 0;
  for (unsigned i = 2; i < SIEVE_SIZE; i++) {
    if (!sieve[i]) continue;
    primes++;
    for (unsigned multiple = 2 * i; multiple < SIEVE_SIZE; multiple += i) sieve[multiple] = 0;
  }
  return primes;
}

static void sift_down(uint32_t *heap, unsigned root, unsigned count) {
  for (;;) {
    unsigned child = 2 * root + 1;
    if (child >= count) return;
    if (child + 1 < count && heap[child + 1] > heap[child]) child++;
    if (heap[root] >= heap[child]) return;
    uint32_t swapped = heap[root];
    heap[root] = heap[child];
    heap[child] = swapped;
    root = child;
  }
}

__attribute__((noinline)) static uint64_t heap_sort(uint64_t state) {
  for (unsigned i = 0; i < SORT_SIZE; i++) {
    state = xorshift(state);
    values[i] = (uint32_t)state;
  }
  for (unsigned root = SORT_SIZE / 2; root-- > 0;) sift_down(values, root, SORT_SIZE);
  for (unsigned end = SORT_SIZE; end-- > 1;) {
    uint32_t largest = values[0];
    values[0] = values[end];
    values[end] = largest;
    sift_down(values, 0, end);
  }
  uint64_t checksum = 0;
  for (unsigned i = 0; i < SORT_SIZE; i++) {
    if (i > 0 && values[i - 1] > values[i]) return 0;
    checksum = checksum * 31 + values[i];
  }
  return checksum;
}

void main(void) {
  const uint64_t iterations = bench_iterations.count;
  mmu_start();
  uint64_t checksum = 0;
  for (uint64_t i = 1; i <= iterations; i++) {
    checksum += random_sum(i, 50000);
    checksum ^= count_primes();
    checksum = checksum * 33 + heap_sort(i);
  }
  print("bench-int: %u iterations, checksum %x\n", iterations, checksum);
}
