#include "guest.h"

_Noreturn void power_off(void) {
  psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
  for (;;) wfi();
}

_Noreturn void cpu_off(void) {
  psci_call(PSCI_CPU_OFF, 0, 0, 0);
  for (;;) wfi();
}
