// What the small guests share: console, power, exceptions, the MMU, the interrupt controller. Board: QEMU's virt.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- system registers -------------------------------------------------------------------------------------------------

#define read_sysreg(name)                                    \
  ({                                                         \
    uint64_t value_;                                         \
    __asm__ volatile("mrs %0, " #name : "=r"(value_));       \
    value_;                                                  \
  })
#define write_sysreg(name, value) __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define isb() __asm__ volatile("isb" ::: "memory")
#define dsb(domain) __asm__ volatile("dsb " #domain ::: "memory")
#define wfi() __asm__ volatile("wfi" ::: "memory")

// --- console: PL011 at 0x09000000 ---------------------------------------------------------------------------------------

// Called before main.
void console_start(void);
void print_char(char c);
// %s string, %c char, %d int64_t, %u uint64_t, %x uint64_t in hexadecimal with 0x, %%. Every number is 64 bits: cast it.
void print(const char *format, ...);

// --- power: PSCI over HVC -------------------------------------------------------------------------------------------------

#define PSCI_VERSION 0x84000000
#define PSCI_CPU_OFF 0x84000002
#define PSCI_CPU_ON 0xc4000003
#define PSCI_AFFINITY_INFO 0xc4000004
#define PSCI_SYSTEM_OFF 0x84000008

#define PSCI_SUCCESS 0
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_ALREADY_ON (-4)

int64_t psci_call(uint64_t function, uint64_t first, uint64_t second, uint64_t third);
_Noreturn void power_off(void);
_Noreturn void cpu_off(void);

struct cpu_context {
  uint64_t stack_top;
  void (*function)(uint64_t argument);
  uint64_t argument;
};
// Give it to PSCI CPU_ON as the entry point, and a struct cpu_context as the context.
void secondary_start(void);

// --- exceptions -------------------------------------------------------------------------------------------------------------

struct trap_frame {
  uint64_t x[31];
  uint64_t elr;
  uint64_t spsr;
  uint64_t esr;
  uint64_t far;
  uint64_t vector;  // 0 to 15: 4 × (same EL SP0, same EL SPx, lower EL AArch64, lower EL AArch32) + (sync, IRQ, FIQ, SError)
  uint64_t unused[2];
};
_Static_assert(sizeof(struct trap_frame) == 304, "vectors.S");

#define VECTOR_IRQ 1
#define EXCEPTION_CLASS(esr) (((esr) >> 26) & 0x3f)

// A guest may define its own; without one any exception is printed and ends the guest.
void handle_exception(struct trap_frame *frame);

// --- MMU: 4 KiB granule, 39-bit addresses, one table tree in TTBR0 --------------------------------------------------------------

enum page_kind {
  PAGE_DEVICE,       // Device-nGnRnE, EL1 read-write
  PAGE_CODE,         // Normal, EL1 read-execute
  PAGE_READ_ONLY,    // Normal, EL1 read
  PAGE_DATA,         // Normal, EL1 read-write
  PAGE_WRITE_CODE,   // Normal, EL1 read-write-execute
  PAGE_USER_CODE,    // Normal, EL0 read-execute, EL1 read
  PAGE_USER_DATA,    // Normal, EL0 and EL1 read-write
};

// Map the board (devices below 1 GiB, 1 GiB of RAM from there) one to one, the image by its sections, and turn the MMU and
// caches on.
void mmu_start(void);
// Turn on, on another CPU, what mmu_start built.
void mmu_join(void);
// Map, or with present = false unmap, one 4 KiB page. The TLB is kept right.
void mmu_map_page(uint64_t virtual_address, uint64_t physical_address, enum page_kind kind, bool present);

// --- interrupts: GICv3 ------------------------------------------------------------------------------------------------------------

// Prepare the distributor, this CPU's redistributor and CPU interface; interrupts stay masked in PSTATE.
void gic_start(void);
// Enable a private interrupt (SGI or PPI, 0 to 31) of CPU `cpu`, with priority 0x80.
void gic_enable_private(unsigned cpu, unsigned interrupt);
static inline uint64_t gic_acknowledge(void) { return read_sysreg(s3_0_c12_c12_0) & 0xffffff; }
static inline void gic_end(uint64_t interrupt) { write_sysreg(s3_0_c12_c12_1, interrupt); }
