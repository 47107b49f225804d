#include "guest.h"

__attribute__((weak)) void handle_exception(struct trap_frame *frame) {
  print("unexpected exception: vector %u, ESR_EL1 %x, ELR_EL1 %x, FAR_EL1 %x\n", frame->vector, frame->esr, frame->elr,
        frame->far);
  power_off();
}
