// What the benchmarks share: how often they repeat their work, which can be changed in the built image, and code that never
// runs.
#pragma once

#include <stdint.h>

struct bench_iterations {
  char mark[16];  // what to look for in the image; the number follows it
  uint64_t count;
};

#define BENCH_MARK "vmexit-bench-n:"

// `never_called` is where benchmarks plant breakpoints that are never hit: in the page of the hot code, which follows it.
#define BENCH(default_count)                                                                        \
  static volatile struct bench_iterations bench_iterations = {BENCH_MARK, default_count};           \
  __attribute__((used, noinline)) static void never_called(void) {                                  \
    __asm__ volatile(".rept 50\n\tnop\n\t.endr");                                                   \
  }
