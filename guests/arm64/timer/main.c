// Ten interrupts of the EL1 virtual timer through the GICv3, waited for with WFI.
#include "guest.h"

#define VIRTUAL_TIMER_PPI 27
#define TICKS 10
#define TIMER_ENABLE 1
#define TIMER_MASKED_OR_OFF 0

static volatile unsigned ticks;
static volatile unsigned others;
static uint64_t period;

void handle_exception(struct trap_frame *frame) {
  if (frame->vector % 4 != VECTOR_IRQ) {
    print("timer: unexpected exception: vector %u, ESR_EL1 %x\n", frame->vector, frame->esr);
    power_off();
  }
  uint64_t interrupt = gic_acknowledge();
  if (interrupt == VIRTUAL_TIMER_PPI) {
    ticks++;
    // From the compare value, not from now: the ticks do not drift.
    write_sysreg(cntv_cval_el0, read_sysreg(cntv_cval_el0) + period);
    isb();
  } else {
    others++;
  }
  gic_end(interrupt);
}

void main(void) {
  if (((read_sysreg(id_aa64pfr0_el1) >> 24) & 0xf) == 0) {
    print("timer: this CPU has no GICv3 system registers\n");
    return;
  }
  mmu_start();
  gic_start();
  gic_enable_private(0, VIRTUAL_TIMER_PPI);

  period = read_sysreg(cntfrq_el0) / 100;
  print("timer frequency is set: %s\n", period != 0 ? "yes" : "no");
  uint64_t start = read_sysreg(cntvct_el0);
  write_sysreg(cntv_cval_el0, start + period);
  write_sysreg(cntv_ctl_el0, TIMER_ENABLE);
  isb();

  unsigned seen = 0;
  while (seen < TICKS) {
    // IRQs stay masked until after WFI, which a pending one ends all the same: no tick can slip in between.
    if (ticks == seen) wfi();
    __asm__ volatile("msr daifclr, #2\n\tisb\n\tmsr daifset, #2" ::: "memory");
    while (seen < ticks && seen < TICKS) print("tick %u\n", (uint64_t)++seen);
  }
  write_sysreg(cntv_ctl_el0, TIMER_MASKED_OR_OFF);
  isb();
  uint64_t elapsed = read_sysreg(cntvct_el0) - start;

  print("at least ten periods passed: %s\n", elapsed >= TICKS * period ? "yes" : "no");
  print("other interrupts: %u\n", (uint64_t)others);
  print("timer: %s\n", elapsed >= TICKS * period && others == 0 ? "OK" : "FAILED");
}
