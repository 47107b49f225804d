// A corrupted function pointer: the guest calls into unmapped memory three frames deep, and its handler says how it got there.
#include "guest.h"

typedef uint64_t (*operation)(uint64_t value);

static uint64_t twice(uint64_t value) { return value * 2; }
static uint64_t square(uint64_t value) { return value * value; }

static operation operations[] = {twice, square, twice, square};

__attribute__((noinline)) static uint64_t apply(unsigned index, uint64_t value) {
  uint64_t result = operations[index](value);
  print("operation %u of %u is %u\n", (uint64_t)index, value, result);
  return result;
}

__attribute__((noinline)) static uint64_t apply_all(uint64_t value) {
  for (unsigned index = 0; index < 4; index++) value = apply(index, value);
  return value;
}

__attribute__((noinline)) static void corrupt(volatile uint64_t *where) {
  // What a stray write leaves: the pointer's upper half gone, some of another value in it.
  *where = 0x0000007000c0ffee & ~3ul;
}

void handle_exception(struct trap_frame *frame) {
  bool from_apply = frame->x[30] > (uint64_t)apply && frame->x[30] < (uint64_t)apply + 0x80;
  print("instruction abort: %s, status %x, ELR_EL1 %x, FAR_EL1 %x, called from apply: %s\n",
        EXCEPTION_CLASS(frame->esr) == 0x21 ? "yes" : "no", frame->esr & 0x3f, frame->elr, frame->far,
        from_apply ? "yes" : "no");
  print("jump-to-nowhere: %s\n",
        EXCEPTION_CLASS(frame->esr) == 0x21 && frame->elr == 0x7000c0ffec && from_apply ? "OK" : "FAILED");
  power_off();
}

void main(void) {
  mmu_start();
  corrupt((volatile uint64_t *)&operations[2]);
  print("the end, wrongly: %u\n", apply_all(3));
}
