// BRK: always taken, whatever the debug controls say (Arm ARM D2.7).
#include "debug.h"

extern routine el1_brk, el0_brk, el1_brk_twice, el0_brk_twice;
extern void brk_with_other_vectors(uint64_t *saw);
extern char brk_of_other_vectors[];

void check_break_instructions(void) {
  run(el1_brk, 0, AT_EL1H);
  CHECK("BRK", BRK_(0, 0x345));
  run(el1_brk, 0, AT_EL1T);
  CHECK("BRK", BRK_(0, 0x345));
  run(el0_brk, 0, AT_EL0);
  CHECK("BRK", BRK_(0, 0x345));
  run(el1_brk_twice, 0, AT_EL1H | PSTATE_D);
  CHECK("BRK twice, PSTATE.D set", BRK_(0, 0), BRK_(8, 0xffff));
  run(el0_brk_twice, 0, AT_EL0 | PSTATE_D);
  CHECK("BRK twice, PSTATE.D set", BRK_(0, 0), BRK_(8, 0xffff));
  run(el1_brk, 0, AT_EL1H | 0xf0000000);
  CHECK("BRK, all flags set", BRK_(0, 0x345));
  run(el0_brk, 0, AT_EL0 | 0x50000000);
  CHECK("BRK, Z and V set", BRK_(0, 0x345));
  run(el0_brk, 0, 0);
  CHECK("BRK, nothing masked", BRK_(0, 0x345));
  // Without MDSCR_EL1.SS, SPSR_EL1.SS is not restored (Arm ARM D2.12.4).
  run(el0_brk, 0, AT_EL0 | PSTATE_SS);
  CHECK("BRK, returned to with SPSR_EL1.SS", BRK_(0, 0x345));
  run(el1_brk, 0, AT_EL1H | PSTATE_SS);
  CHECK("BRK, returned to with SPSR_EL1.SS", BRK_(0, 0x345));

  uint64_t saw[4];
  brk_with_other_vectors(saw);
  check_value("BRK with other vectors: vector", saw[0], 4);
  check_value("BRK with other vectors: ESR_EL1", saw[1], CLASS(0x3c) | 0x99);
  check_value("BRK with other vectors: ELR_EL1", saw[2], (uint64_t)brk_of_other_vectors);
  // The flags are the compiler's.
  check_value("BRK with other vectors: SPSR_EL1", saw[3] & 0x0fffffff, AT_EL1H | PSTATE_D);
}
