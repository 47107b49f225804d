// The smallest guest: MMU off, says where it is, powers off.
#include "guest.h"

void main(void) {
  print("hello from EL%u, CPU %u\n", (read_sysreg(currentel) >> 2) & 3, read_sysreg(mpidr_el1) & 0xff);
  print("MMU: %s\n", read_sysreg(sctlr_el1) & 1 ? "on" : "off");
  print("hello: OK\n");
}
