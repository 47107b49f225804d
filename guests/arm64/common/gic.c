#include "guest.h"

// Arm GIC Architecture Specification (IHI 0069), chapter 12.
#define GICD_BASE 0x08000000ul
#define GICR_BASE 0x080a0000ul
#define GICR_STRIDE 0x20000ul
#define GICR_SGI_FRAME 0x10000ul

#define GICD_CTLR 0x0000
#define GICD_CTLR_ENABLE_GROUP1 (1u << 1)
#define GICD_CTLR_ARE (1u << 4)
#define GICD_CTLR_RWP (1u << 31)
#define GICR_WAKER 0x0014
#define GICR_WAKER_PROCESSOR_SLEEP (1u << 1)
#define GICR_WAKER_CHILDREN_ASLEEP (1u << 2)
#define GICR_IGROUPR0 0x0080
#define GICR_ISENABLER0 0x0100
#define GICR_IPRIORITYR 0x0400

static volatile uint32_t *reg(uint64_t address) { return (volatile uint32_t *)address; }

void gic_start(void) {
  *reg(GICD_BASE + GICD_CTLR) = GICD_CTLR_ARE;
  while (*reg(GICD_BASE + GICD_CTLR) & GICD_CTLR_RWP) {
  }
  *reg(GICD_BASE + GICD_CTLR) = GICD_CTLR_ARE | GICD_CTLR_ENABLE_GROUP1;
  while (*reg(GICD_BASE + GICD_CTLR) & GICD_CTLR_RWP) {
  }

  uint64_t cpu = read_sysreg(mpidr_el1) & 0xff;
  volatile uint32_t *waker = reg(GICR_BASE + cpu * GICR_STRIDE + GICR_WAKER);
  *waker &= ~GICR_WAKER_PROCESSOR_SLEEP;
  while (*waker & GICR_WAKER_CHILDREN_ASLEEP) {
  }
  *reg(GICR_BASE + cpu * GICR_STRIDE + GICR_SGI_FRAME + GICR_IGROUPR0) = 0xffffffff;

  write_sysreg(s3_0_c12_c12_5, read_sysreg(s3_0_c12_c12_5) | 1);  // ICC_SRE_EL1.SRE
  isb();
  write_sysreg(s3_0_c4_c6_0, 0xf0);  // ICC_PMR_EL1
  write_sysreg(s3_0_c12_c12_7, 1);   // ICC_IGRPEN1_EL1
  isb();
}

void gic_enable_private(unsigned cpu, unsigned interrupt) {
  uint64_t frame = GICR_BASE + cpu * GICR_STRIDE + GICR_SGI_FRAME;
  *(volatile uint8_t *)(frame + GICR_IPRIORITYR + interrupt) = 0x80;
  *reg(frame + GICR_ISENABLER0) = 1u << interrupt;
}
