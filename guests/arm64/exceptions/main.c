// Raises exceptions of every common class at EL1 and at EL0 and prints what the CPU reports of each.
#include "guest.h"

#define SPSR_EL1H_MASKED 0x3c5
#define SPSR_SHOWN 0x3003ff  // SS, IL, D, A, I, F, M

#define SCTLR_A (1ul << 1)
#define SCTLR_NTWI (1ul << 16)
#define CPACR_FPEN_SHIFT 20

#define UNMAPPED 0x7000000000ul
#define SPARE_PAGE 0x48000000ul

typedef void (*routine)(uint64_t address);

extern void el1_svc(), el1_brk(), el1_udf(), el1_smc(), el1_unallocated_register(), el1_load(), el1_store(),
    el1_store_second_page(), el1_load_exclusive(), el1_jump(), el1_fp(), el1_illegal_return(), el0_svc(), el0_brk(),
    el0_udf(), el0_hvc(), el0_eret(), el0_load(), el0_store(), el0_load_exclusive(), el0_jump(), el0_read_ctr(),
    el0_read_sctlr(), el0_mask_interrupts(), el0_clean_cache(), el0_wfi(), el0_fp();
extern void run_at_el0(routine code, uint64_t argument, uint64_t stack), back_from_el0(void);

static char user_memory[4096] __attribute__((section(".user.data"), aligned(4096)));
static uint64_t kernel_data[2] = {1, 2};
static const uint64_t constant = 42;

static const char *current_name;
static uint64_t current_routine;
static volatile unsigned count;

void handle_exception(struct trap_frame *frame) {
  count++;
  uint64_t class = EXCEPTION_CLASS(frame->esr);
  print("%s: vector %u, EC %x, ISS %x, SPSR %x, ELR ", current_name, frame->vector, class, frame->esr & 0x1ffffff,
        frame->spsr & SPSR_SHOWN);
  if (frame->elr - current_routine < 0x40) {
    print("+%u", frame->elr - current_routine);
  } else {
    print("%x", frame->elr);
  }
  // FAR_EL1 is set by instruction and data aborts and PC alignment faults only.
  if ((class >= 0x20 && class <= 0x22) || class == 0x24 || class == 0x25) print(", FAR %x", frame->far);
  if (((frame->esr >> 25) & 1) == 0) print(", IL clear");
  print("\n");

  if (frame->vector >= 8) {
    frame->elr = (uint64_t)back_from_el0;
  } else {
    frame->elr = frame->x[30];
  }
  frame->spsr = SPSR_EL1H_MASKED;
}

static void at_el1(const char *name, routine code, uint64_t address) {
  current_name = name;
  current_routine = (uint64_t)code;
  code(address);
}

static void at_el0(const char *name, routine code, uint64_t address) {
  current_name = name;
  current_routine = (uint64_t)code;
  run_at_el0(code, address, (uint64_t)user_memory + sizeof user_memory);
}

static void set_bits(uint64_t bits, bool on) {
  uint64_t value = read_sysreg(sctlr_el1);
  write_sysreg(sctlr_el1, on ? value | bits : value & ~bits);
  isb();
}

static void set_fpen(uint64_t value) {
  write_sysreg(cpacr_el1, value << CPACR_FPEN_SHIFT);
  isb();
}

void main(void) {
  mmu_start();
  // A mapped page, and after it one that is not: the faulting half of an access that spans both decides FAR_EL1.
  mmu_map_page(SPARE_PAGE, SPARE_PAGE, PAGE_DATA, true);
  mmu_map_page(SPARE_PAGE + 0x1000, SPARE_PAGE + 0x1000, PAGE_DATA, false);

  at_el1("EL1 SVC", el1_svc, 0);
  at_el1("EL1 BRK", el1_brk, 0);
  at_el1("EL1 UDF", el1_udf, 0);
  at_el1("EL1 SMC without EL3", el1_smc, 0);
  at_el1("EL1 MRS of an unallocated register", el1_unallocated_register, 0);
  at_el1("EL1 load, no level 1 entry", el1_load, UNMAPPED + 0x123450);
  at_el1("EL1 store, no level 1 entry", el1_store, UNMAPPED);
  at_el1("EL1 load, no level 3 entry", el1_load, SPARE_PAGE + 0x1008);
  at_el1("EL1 store across into an unmapped page", el1_store_second_page, SPARE_PAGE + 0xff8);
  at_el1("EL1 store to read-only data", el1_store, (uint64_t)&constant);
  at_el1("EL1 store to code", el1_store, (uint64_t)el1_udf);
  at_el1("EL1 load beyond the address size", el1_load, 0x0000ffff00000000ul);
  at_el1("EL1 unaligned LDXR", el1_load_exclusive, (uint64_t)kernel_data + 1);
  set_bits(SCTLR_A, true);
  at_el1("EL1 unaligned load, SCTLR_EL1.A set", el1_load, (uint64_t)kernel_data + 4);
  set_bits(SCTLR_A, false);
  at_el1("EL1 jump to unmapped memory", el1_jump, UNMAPPED);
  at_el1("EL1 jump to data", el1_jump, (uint64_t)kernel_data);
  at_el1("EL1 jump to an unaligned address", el1_jump, (uint64_t)el1_udf + 2);
  set_fpen(0);
  at_el1("EL1 FP, CPACR_EL1.FPEN 0", el1_fp, 0);
  at_el1("EL1 ERET to an illegal mode", el1_illegal_return, 0);

  at_el0("EL0 SVC", el0_svc, 0);
  at_el0("EL0 BRK", el0_brk, 0);
  at_el0("EL0 UDF", el0_udf, 0);
  at_el0("EL0 HVC", el0_hvc, 0);
  at_el0("EL0 ERET", el0_eret, 0);
  at_el0("EL0 load of EL1's data", el0_load, (uint64_t)kernel_data);
  at_el0("EL0 store to EL0's code", el0_store, (uint64_t)el0_svc);
  at_el0("EL0 load, no level 1 entry", el0_load, UNMAPPED + 8);
  at_el0("EL0 unaligned LDXR", el0_load_exclusive, (uint64_t)user_memory + 2);
  at_el0("EL0 jump to EL1's code", el0_jump, (uint64_t)el1_udf);
  at_el0("EL0 jump to its data", el0_jump, (uint64_t)user_memory);
  at_el0("EL0 MRS CTR_EL0, SCTLR_EL1.UCT clear", el0_read_ctr, 0);
  at_el0("EL0 MRS SCTLR_EL1", el0_read_sctlr, 0);
  at_el0("EL0 MSR DAIFSet, SCTLR_EL1.UMA clear", el0_mask_interrupts, 0);
  at_el0("EL0 DC CVAU, SCTLR_EL1.UCI clear", el0_clean_cache, (uint64_t)user_memory);
  set_bits(SCTLR_NTWI, false);
  at_el0("EL0 WFI, SCTLR_EL1.nTWI clear", el0_wfi, 0);
  set_fpen(1);
  at_el0("EL0 FP, CPACR_EL1.FPEN 1", el0_fp, 0);

  print("exceptions: %u taken, %s\n", (uint64_t)count, count == 36 ? "OK" : "FAILED");
}
