// SHA-256 (FIPS 180-4) of a growing chain of 64 KiB buffers, in plain integer instructions.
#include "bench.h"
#include "guest.h"

BENCH(300)

#define BUFFER_SIZE 65536

// FIPS 180-4, 4.2.2 and 5.3.3.
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static const uint32_t initial_hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint8_t buffer[BUFFER_SIZE];

static uint32_t rotate_right(uint32_t value, unsigned count) { return (value >> count) | (value << (32 - count)); }

static void hash_block(uint32_t hash[8], const uint8_t *block) {
  uint32_t w[64];
  for (unsigned t = 0; t < 16; t++) {
    w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 |
           block[4 * t + 3];
  }
  for (unsigned t = 16; t < 64; t++) {
    uint32_t s0 = rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ (w[t - 15] >> 3);
    uint32_t s1 = rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
  for (unsigned t = 0; t < 64; t++) {
    uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
    uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
    uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
    uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
  hash[5] += f;
  hash[6] += g;
  hash[7] += h;
}

// SHA-256 of `size` bytes, a multiple of 64.
static void sha256(uint32_t hash[8], const uint8_t *bytes, uint64_t size) {
  for (unsigned i = 0; i < 8; i++) hash[i] = initial_hash[i];
  for (uint64_t at = 0; at < size; at += 64) hash_block(hash, bytes + at);
  uint8_t last[64] = {0x80};
  for (unsigned i = 0; i < 8; i++) last[56 + i] = (uint8_t)(size * 8 >> (56 - 8 * i));
  hash_block(hash, last);
}

void main(void) {
  const uint64_t iterations = bench_iterations.count;
  mmu_start();
  uint32_t hash[8];
  for (uint64_t i = 0; i < iterations; i++) {
    sha256(hash, buffer, BUFFER_SIZE);
    for (unsigned n = 0; n < 8; n++) {
      uint8_t *at = buffer + (i % (BUFFER_SIZE / 32)) * 32 + n * 4;
      for (unsigned byte = 0; byte < 4; byte++) at[byte] = (uint8_t)(hash[n] >> (24 - 8 * byte));
    }
  }
  print("bench-sha256: %u iterations, last hash", iterations);
  for (unsigned n = 0; n < 8; n++) print(" %x", (uint64_t)hash[n]);
  print("\n");
}
