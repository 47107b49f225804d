// Code that changes: rewritten in place, ahead of the PC, inside its own loop, generated over and over at one address, and
// through another virtual address of the same memory.
#include "guest.h"

#define SCRATCH 0x48000000ul
#define ALIAS 0x50000000ul

#define MOVZ_X0(value) (0xd2800000u | ((uint32_t)(value) << 5))
#define ADD_X0_X0(value) (0x91000000u | ((uint32_t)(value) << 10))
#define RET 0xd65f03c0u

extern char patched_page[], patched_page_end[];
extern uint64_t answer(void), patch_ahead(uint32_t instruction), patch_loop(uint32_t instruction, uint64_t rounds);

static bool failed;

static void check(const char *what, uint64_t got, uint64_t expected) {
  print("%s: %u\n", what, got);
  if (got != expected) {
    print("  FAILED: expected %u\n", expected);
    failed = true;
  }
}

// Make an instruction written at `address` the one that is executed there (Arm ARM B2.4.4).
static void publish(uint64_t address) {
  __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(address) : "memory");
}

static void write_instruction(uint64_t address, uint32_t instruction) { *(volatile uint32_t *)address = instruction; }

static uint64_t call(uint64_t address) { return ((uint64_t(*)(void))address)(); }

void main(void) {
  mmu_start();
  for (uint64_t page = (uint64_t)patched_page; page < (uint64_t)patched_page_end; page += 4096) {
    mmu_map_page(page, page, PAGE_WRITE_CODE, true);
  }
  mmu_map_page(SCRATCH, SCRATCH, PAGE_WRITE_CODE, true);

  check("before", answer(), 1);
  write_instruction((uint64_t)answer, MOVZ_X0(2));
  publish((uint64_t)answer);
  check("rewritten, with cache maintenance", answer(), 2);

  // Without maintenance either instruction may run, until there is some; afterwards only the new one.
  write_instruction((uint64_t)answer, MOVZ_X0(3));
  uint64_t either = answer();
  check("rewritten, without: one of the two", either == 2 || either == 3, 1);
  publish((uint64_t)answer);
  check("and with maintenance after all", answer(), 3);

  check("patched ahead of the PC", patch_ahead(MOVZ_X0(7)), 7);
  check("and again", patch_ahead(MOVZ_X0(8)), 8);
  check("patched inside its own loop", patch_loop(ADD_X0_X0(100), 1000), 500 + 100 * 500);

  // A tiny just-in-time compiler: one address, many routines, hot enough to be translated each time.
  uint64_t sum = 0;
  for (uint32_t round = 0; round < 200; round++) {
    write_instruction(SCRATCH, MOVZ_X0(round));
    write_instruction(SCRATCH + 4, RET);
    publish(SCRATCH);
    for (unsigned i = 0; i < 50; i++) sum += call(SCRATCH);
  }
  check("200 routines at one address, 50 calls each", sum, 50 * (199 * 200 / 2));

  // The same memory at a second address: writes through one are run at the other.
  mmu_map_page(ALIAS, SCRATCH, PAGE_DATA, true);
  sum = 0;
  for (uint32_t round = 0; round < 50; round++) {
    write_instruction(ALIAS, MOVZ_X0(round));
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::"r"(ALIAS) : "memory");
    sum += call(SCRATCH);
  }
  check("50 routines written through an alias", sum, 49 * 50 / 2);

  // The page gets other memory: the code at the address is the new page's.
  write_instruction(SCRATCH, MOVZ_X0(11));
  publish(SCRATCH);
  mmu_map_page(SCRATCH + 0x1000, SCRATCH + 0x1000, PAGE_DATA, true);
  write_instruction(SCRATCH + 0x1000, MOVZ_X0(22));
  write_instruction(SCRATCH + 0x1004, RET);
  __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::"r"(SCRATCH + 0x1000) : "memory");
  check("before remapping", call(SCRATCH), 11);
  mmu_map_page(SCRATCH, SCRATCH + 0x1000, PAGE_WRITE_CODE, true);
  check("after remapping", call(SCRATCH), 22);

  print("selfmodify: %s\n", failed ? "FAILED" : "OK");
}
