// A guest whose vectors are unmapped: the first exception leads to another, for ever. Nothing after the first line is printed
// and it never powers off; what a hypervisor and a debugger make of that is the test.
#include "guest.h"

void main(void) {
  mmu_start();
  print("no-vectors: an exception now, with VBAR_EL1 unmapped\n");
  write_sysreg(vbar_el1, 0x7000000000);
  isb();
  __asm__ volatile("udf #0");
  print("no-vectors: FAILED, the exception was not taken\n");
}
