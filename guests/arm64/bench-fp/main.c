// Double matrix multiplication, element by element.
#include "bench.h"
#include "guest.h"

BENCH(30)

#define N 128

static double a[N][N], b[N][N], c[N][N];

__attribute__((noinline)) static void multiply(void) {
  for (unsigned row = 0; row < N; row++) {
    for (unsigned column = 0; column < N; column++) {
      double sum = 0;
      for (unsigned k = 0; k < N; k++) sum += a[row][k] * b[k][column];
      c[row][column] = sum;
    }
  }
}

void main(void) {
  const uint64_t iterations = bench_iterations.count;
  mmu_start();
  for (unsigned row = 0; row < N; row++) {
    for (unsigned column = 0; column < N; column++) {
      a[row][column] = 1.0 / (1 + row + column);
      b[row][column] = (double)((row * 7 + column * 3) % 11) - 5;
    }
  }
  for (uint64_t i = 0; i < iterations; i++) {
    multiply();
    // Fed back, kept small.
    for (unsigned n = 0; n < N; n++) a[i % N][n] = c[n][i % N] / 64;
  }
  double trace = 0;
  for (unsigned n = 0; n < N; n++) trace += c[n][n];
  union {
    double value;
    uint64_t bits;
  } checksum = {trace};
  print("bench-fp: %u iterations, checksum %x\n", iterations, checksum.bits);
}
