#include "guest.h"

// Arm ARM D5.3 (VMSAv8-64 translation table format descriptors).
#define VALID (1ul << 0)
#define TABLE_OR_PAGE (1ul << 1)
#define ATTR_INDEX(n) ((uint64_t)(n) << 2)
#define AP_EL0 (1ul << 6)
#define AP_READ_ONLY (1ul << 7)
#define INNER_SHAREABLE (3ul << 8)
#define ACCESS_FLAG (1ul << 10)
#define PXN (1ul << 53)
#define UXN (1ul << 54)
#define ADDRESS_MASK 0x0000fffffffff000ul

#define MAIR_NORMAL 0  // 0xff: write-back, allocating
#define MAIR_DEVICE 1  // 0x00: Device-nGnRnE
#define MAIR_VALUE 0x00fful

// T0SZ = 25 (39 bits), 4 KiB granule, inner shareable write-back walks, TTBR1 walks off, 40-bit physical addresses.
#define TCR_VALUE (25ul | (1ul << 8) | (1ul << 10) | (3ul << 12) | (1ul << 23) | (2ul << 32))

#define SCTLR_M (1ul << 0)
#define SCTLR_C (1ul << 2)
#define SCTLR_I (1ul << 12)

#define ENTRIES 512
#define TABLES 8
#define PAGE 0x1000ul
#define LARGE_BLOCK 0x200000ul
#define HUGE_BLOCK 0x40000000ul
#define RAM_START 0x40000000ul

static uint64_t tables[TABLES][ENTRIES] __attribute__((aligned(4096)));
static unsigned tables_used = 1;

extern char __text_start[], __user_text_start[], __user_text_end[], __text_end[], __rodata_end[], __user_data_start[],
    __user_data_end[], __image_end[];

static uint64_t attributes(enum page_kind kind) {
  const uint64_t normal = VALID | ACCESS_FLAG | INNER_SHAREABLE | ATTR_INDEX(MAIR_NORMAL);
  switch (kind) {
    case PAGE_DEVICE:
      return VALID | ACCESS_FLAG | ATTR_INDEX(MAIR_DEVICE) | PXN | UXN;
    case PAGE_CODE:
      return normal | AP_READ_ONLY | UXN;
    case PAGE_READ_ONLY:
      return normal | AP_READ_ONLY | PXN | UXN;
    case PAGE_DATA:
      return normal | PXN | UXN;
    case PAGE_WRITE_CODE:
      return normal | UXN;
    case PAGE_USER_CODE:
      return normal | AP_READ_ONLY | AP_EL0 | PXN;
    case PAGE_USER_DATA:
      return normal | AP_EL0 | PXN | UXN;
  }
  return 0;
}

// The next level's table; a block that stands in its place becomes a table of smaller blocks with the same attributes.
static uint64_t *descend(uint64_t *entry, uint64_t small_size, bool to_pages) {
  if ((*entry & (VALID | TABLE_OR_PAGE)) == (VALID | TABLE_OR_PAGE)) return (uint64_t *)(*entry & ADDRESS_MASK);
  if (tables_used == TABLES) {
    print("mmu: out of tables\n");
    power_off();
  }
  uint64_t *table = tables[tables_used++];
  if (*entry & VALID) {
    for (unsigned i = 0; i < ENTRIES; i++) table[i] = (*entry + i * small_size) | (to_pages ? TABLE_OR_PAGE : 0);
  }
  // Break before make (Arm ARM D5.10.1). The image's own block is split before the MMU is on.
  *entry = 0;
  dsb(ishst);
  __asm__ volatile("tlbi vmalle1is" ::: "memory");
  dsb(ish);
  *entry = (uint64_t)table | VALID | TABLE_OR_PAGE;
  dsb(ishst);
  isb();
  return table;
}

void mmu_map_page(uint64_t virtual_address, uint64_t physical_address, enum page_kind kind, bool present) {
  uint64_t *level2 = descend(&tables[0][(virtual_address >> 30) & 511], LARGE_BLOCK, false);
  uint64_t *level3 = descend(&level2[(virtual_address >> 21) & 511], PAGE, true);
  uint64_t *entry = &level3[(virtual_address >> 12) & 511];
  // Break before make (Arm ARM D5.10.1).
  *entry = 0;
  dsb(ishst);
  __asm__ volatile("tlbi vaae1is, %0" ::"r"(virtual_address >> 12) : "memory");
  dsb(ish);
  isb();
  if (present) *entry = physical_address | attributes(kind) | TABLE_OR_PAGE;
  dsb(ishst);
  isb();
}

static void map_section(const char *start, const char *end, enum page_kind kind) {
  for (uint64_t page = (uint64_t)start; page < (uint64_t)end; page += PAGE) mmu_map_page(page, page, kind, true);
}

void mmu_join(void) {
  write_sysreg(mair_el1, MAIR_VALUE);
  write_sysreg(tcr_el1, TCR_VALUE);
  write_sysreg(ttbr0_el1, tables[0]);
  isb();
  __asm__ volatile("tlbi vmalle1\n\tdsb nsh" ::: "memory");
  isb();
  write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | SCTLR_M | SCTLR_C | SCTLR_I);
  isb();
}

void mmu_start(void) {
  tables[0][0] = attributes(PAGE_DEVICE);
  tables[0][1] = RAM_START | attributes(PAGE_DATA);
  map_section(__text_start, __user_text_start, PAGE_CODE);
  map_section(__user_text_start, __user_text_end, PAGE_USER_CODE);
  map_section(__text_end, __rodata_end, PAGE_READ_ONLY);
  map_section(__user_data_start, __user_data_end, PAGE_USER_DATA);
  mmu_join();
}
