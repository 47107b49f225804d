// Watchpoints in DBGWVR and DBGWCR (Arm ARM D2.9).
#include "debug.h"

extern routine el1_ldrb, el1_ldrh, el1_ldrw, el1_ldr, el1_strb, el1_strh, el1_strw, el1_str, el1_ldp, el1_stp, el1_ldr_post,
    el1_str_pre, el1_ldtr, el1_sttr, el1_ldar, el1_stlr, el1_ldrq, el1_strq, el1_ld1, el1_st4, el1_prfm, el1_prfm_store,
    el1_zero_block, el1_clean, el1_translate, el1_ldr_literal, el1_exclusive, el1_exclusive_pair, el1_swp, el1_ldadd, el1_cas;
extern routine el0_ldrb, el0_ldrh, el0_ldrw, el0_ldr, el0_strb, el0_strh, el0_strw, el0_str, el0_ldp, el0_stp, el0_ldr_post,
    el0_str_pre, el0_ldar, el0_stlr, el0_ldrq, el0_strq, el0_ld1, el0_st4, el0_prfm, el0_prfm_store, el0_zero_block,
    el0_ldr_literal, el0_exclusive, el0_exclusive_pair, el0_swp, el0_ldadd, el0_cas, el0_nops;
extern char el1_literal[], el0_literal[];

#define BOTH_ENABLED (MDSCR_MDE | MDSCR_KDE)
#define BOTH (LOADS | STORES)
#define CONTEXT 0x4321

static char memory[3 * 4096] __attribute__((section(".user.data"), aligned(4096)));
#define WATCHED_WORD ((uint64_t)memory + 0x840)

static volatile uint64_t *word(uint64_t address) { return (volatile uint64_t *)address; }

static void watch(unsigned n, uint64_t address, uint64_t control) { set_watchpoint(n, address, CONTROL_E | control); }

// Runs an access of `bytes` at `address` under watchpoint 0 on WATCHED_WORD, and checks that it is watched or is not.
static void access_(const char *name, routine *code, uint64_t pstate, uint64_t address, uint64_t control, bool store,
                    bool hits) {
  watch(0, WATCHED_WORD, control);
  run(code, address, pstate);
  uint64_t last = WATCHED_WORD + 7;
  if (!hits) {
    CHECK_NOTHING(name);
  } else if (store) {
    CHECK(name, STORE_WATCHED(0, address > WATCHED_WORD ? address : WATCHED_WORD, last));
  } else {
    CHECK(name, LOAD_WATCHED(0, address > WATCHED_WORD ? address : WATCHED_WORD, last));
  }
  set_watchpoint(0, 0, 0);
}

static const struct {
  const char *name;
  uint64_t control;
  bool loads, stores;
} kinds[] = {{"loads", LOADS, true, false}, {"stores", STORES, false, true}, {"both", BOTH, true, true}};

static const struct {
  const char *name;
  uint64_t control;
  bool hits_el1, hits_el0;
} selections[] = {
    {"PAC 1", PMC_EL1, true, false},
    {"PAC 2", PMC_EL0, false, true},
    {"PAC 3", PMC_BOTH, true, true},
};

static void check_kinds(void) {
  for (unsigned n = 0; n < WATCHPOINTS; n++) {
    set_mdscr(BOTH_ENABLED);
    watch(n, WATCHED_WORD, PMC_BOTH | BOTH | BAS(0xff));
    run(el1_ldr, WATCHED_WORD, (n & 1) != 0 ? AT_EL1T : AT_EL1H);
    CHECK("each watchpoint, LDR", LOAD_WATCHED(0, WATCHED_WORD, WATCHED_WORD + 7));
    watch(n, WATCHED_WORD, PMC_BOTH | BOTH | BAS(0xff));
    run(el0_str, WATCHED_WORD, AT_EL0);
    CHECK("each watchpoint, STR", STORE_WATCHED(0, WATCHED_WORD, WATCHED_WORD + 7));
  }
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    uint64_t control = PMC_BOTH | BAS(0xff) | kinds[i].control;
    print("%s, watched for %s:\n", setting, kinds[i].name);
    access_("LDR", el1_ldr, AT_EL1H, WATCHED_WORD, control, false, kinds[i].loads);
    access_("STR", el1_str, AT_EL1H, WATCHED_WORD, control, true, kinds[i].stores);
    access_("LDR", el0_ldr, AT_EL0, WATCHED_WORD, control, false, kinds[i].loads);
    access_("STR", el0_str, AT_EL0, WATCHED_WORD, control, true, kinds[i].stores);
  }
  for (unsigned i = 0; i < sizeof selections / sizeof *selections; i++) {
    uint64_t control = selections[i].control | BAS(0xff) | BOTH;
    access_(selections[i].name, el1_str, AT_EL1H, WATCHED_WORD, control, true, selections[i].hits_el1);
    access_(selections[i].name, el0_str, AT_EL0, WATCHED_WORD, control, true, selections[i].hits_el0);
  }
  uint64_t control = PMC_BOTH | BAS(0xff) | BOTH;
  set_mdscr(MDSCR_MDE);
  access_("KDE clear", el1_str, AT_EL1H, WATCHED_WORD, control, true, false);
  access_("KDE clear", el0_str, AT_EL0, WATCHED_WORD, control, true, true);
  set_mdscr(MDSCR_KDE);
  access_("MDE clear", el1_str, AT_EL1H, WATCHED_WORD, control, true, false);
  access_("MDE clear", el0_str, AT_EL0, WATCHED_WORD, control, true, false);
  set_mdscr(BOTH_ENABLED);
  access_("PSTATE.D set", el1_str, AT_EL1H | PSTATE_D, WATCHED_WORD, control, true, false);
  access_("PSTATE.D set", el0_str, AT_EL0 | PSTATE_D, WATCHED_WORD, control, true, true);
}

// For one BAS: which aligned accesses of 1, 2, 4 and 8 bytes to the doubleword are watched, by their offset.
static void check_bytes(unsigned select, unsigned offset_of_value) {
  static routine *const loads[] = {el1_ldrb, el1_ldrh, el1_ldrw, el1_ldr};
  static routine *const stores[] = {el0_strb, el0_strh, el0_strw, el0_str};
  unsigned watched = (select << offset_of_value) & 0xff;
  bool right = true;
  print("%s, BAS %x at +%u:", setting, (uint64_t)select, (uint64_t)offset_of_value);
  for (unsigned size = 0; size < 4; size++) {
    unsigned bytes = 1u << size;
    print_char(' ');
    for (unsigned offset = 0; offset < 8; offset += bytes) {
      bool expected = (watched >> offset & ((1u << bytes) - 1)) != 0;
      watch(3, WATCHED_WORD + offset_of_value, PMC_BOTH | BOTH | BAS(select));
      run(loads[size], WATCHED_WORD + offset, AT_EL1H);
      unsigned hit = event_count;
      if (hit != 0) {
        uint64_t at = events[0].far - WATCHED_WORD;
        right = right && at >= offset && at < 8 && events[0].esr == (CLASS(0x35) | DEBUG_FAULT);
      }
      watch(3, WATCHED_WORD + offset_of_value, PMC_BOTH | BOTH | BAS(select));
      run(stores[size], WATCHED_WORD + offset, AT_EL0);
      if (event_count != 0) right = right && events[0].esr == (CLASS(0x34) | DEBUG_FAULT | WNR);
      right = right && hit == expected && event_count == expected;
      print_char(hit != event_count ? '?' : hit != 0 ? 'x' : '.');
      set_watchpoint(3, 0, 0);
    }
  }
  check_true("", right);
}

static void check_masks(void) {
  static const unsigned masks[] = {3, 4, 6, 10, 12, 13, 20, 31};
  for (unsigned i = 0; i < sizeof masks / sizeof *masks; i++) {
    uint64_t size = 1ul << masks[i];
    uint64_t base = WATCHED_WORD & -size;
    uint64_t control = PMC_BOTH | BOTH | BAS(0xff) | MASK(masks[i]);
    print("%s, MASK %u:\n", setting, (uint64_t)masks[i]);
    watch(1, base, control);
    run(el1_str, WATCHED_WORD, AT_EL1H);
    CHECK("inside", STORE_WATCHED(0, base, base + size - 1));
    // The stretches below and above are inside of `memory` for the smaller ones.
    if (size > 1024) continue;
    watch(1, base, control);
    run(el1_ldrb, base, AT_EL1H);
    CHECK("first byte", LOAD_WATCHED(0, base, base));
    watch(1, base, control);
    run(el0_ldrb, base + size - 1, AT_EL0);
    CHECK("last byte", LOAD_WATCHED(0, base + size - 1, base + size - 1));
    watch(1, base, control);
    run(el0_ldrb, base - 1, AT_EL0);
    CHECK_NOTHING("before");
    run(el1_ldrb, base + size, AT_EL1H);
    CHECK_NOTHING("after");
    set_watchpoint(1, 0, 0);
  }
}

static void check_links(void) {
  write_sysreg(contextidr_el1, CONTEXT);
  isb();
  uint64_t control = PMC_BOTH | BOTH | BAS(0xff) | WATCHPOINT_LINKED | LBN(5);
  set_breakpoint(5, CONTEXT, CONTROL_E | PMC_BOTH | BREAKPOINT_BAS | TYPE_LINKED_CONTEXT);
  access_("linked to a context that is", el1_str, AT_EL1H, WATCHED_WORD, control, true, true);
  access_("linked to a context that is", el0_ldr, AT_EL0, WATCHED_WORD, control, false, true);
  set_breakpoint(5, CONTEXT + 1, CONTROL_E | PMC_BOTH | BREAKPOINT_BAS | TYPE_LINKED_CONTEXT);
  access_("linked to another context", el1_str, AT_EL1H, WATCHED_WORD, control, true, false);
  access_("linked to another context", el0_ldr, AT_EL0, WATCHED_WORD, control, false, false);
  set_breakpoint(5, 0, 0);
  write_sysreg(contextidr_el1, 0);
  isb();
}

// The access has not happened when its watchpoint is reported, and happens when it is tried again.
static void check_effects(void) {
  *word(WATCHED_WORD) = 1;
  watch(0, WATCHED_WORD, PMC_BOTH | STORES | BAS(0xff));
  run(el1_str_pre, WATCHED_WORD - 8, AT_EL1H);
  CHECK("STR with pre-index", STORE_WATCHED(0, WATCHED_WORD, WATCHED_WORD + 7));
  check_value("its base register in the end", registers_at_end[0] - WATCHED_WORD, 0);
  check_value("what is in memory in the end", *word(WATCHED_WORD), VALUE);
  watch(0, WATCHED_WORD, PMC_BOTH | LOADS | BAS(0xff));
  run(el0_ldr_post, WATCHED_WORD, AT_EL0);
  CHECK("LDR with post-index", LOAD_WATCHED(0, WATCHED_WORD, WATCHED_WORD + 7));
  check_value("its base register in the end", registers_at_end[0] - WATCHED_WORD, 8);
  check_value("what it loaded", registers_at_end[2], VALUE);
}

static void check_instructions(void) {
  uint64_t control = PMC_BOTH | BOTH | BAS(0xff);
  access_("LDP, first", el1_ldp, AT_EL1H, WATCHED_WORD, control, false, true);
  access_("LDP, second", el1_ldp, AT_EL1H, WATCHED_WORD - 8, control, false, true);
  access_("LDP, before", el1_ldp, AT_EL1H, WATCHED_WORD - 16, control, false, false);
  access_("STP, second", el0_stp, AT_EL0, WATCHED_WORD - 8, control, true, true);
  access_("STP, after", el0_stp, AT_EL0, WATCHED_WORD + 8, control, true, false);
  access_("LDAR", el0_ldar, AT_EL0, WATCHED_WORD, control, false, true);
  access_("STLR", el1_stlr, AT_EL1H, WATCHED_WORD, control, true, true);
  watch(0, WATCHED_WORD + 8, control);
  run(el1_ldrq, WATCHED_WORD, AT_EL1H);
  CHECK("LDR of a Q register, second half", LOAD_WATCHED(0, WATCHED_WORD + 8, WATCHED_WORD + 15));
  access_("STR of a Q register", el0_strq, AT_EL0, WATCHED_WORD, control, true, true);
  access_("LD1 of two registers, last quarter", el0_ld1, AT_EL0, WATCHED_WORD - 24, control, false, true);
  access_("ST4 of four registers, last eighth", el1_st4, AT_EL1H, WATCHED_WORD - 56, control, true, true);
  access_("ST4 of four registers, after", el1_st4, AT_EL1H, WATCHED_WORD + 8, control, true, false);
  access_("PRFM", el1_prfm, AT_EL1H, WATCHED_WORD, control, false, false);
  access_("PRFM for a store", el0_prfm_store, AT_EL0, WATCHED_WORD, control, false, false);
  // Unprivileged accesses are watched as EL0's, and reported as from where they are.
  access_("LDTR, PAC 2", el1_ldtr, AT_EL1H, WATCHED_WORD, PMC_EL0 | BOTH | BAS(0xff), false, true);
  access_("STTR, PAC 2", el1_sttr, AT_EL1H, WATCHED_WORD, PMC_EL0 | BOTH | BAS(0xff), true, true);
  access_("STTR, PAC 1", el1_sttr, AT_EL1H, WATCHED_WORD, PMC_EL1 | BOTH | BAS(0xff), true, false);
  watch(0, (uint64_t)el1_literal, control);
  run(el1_ldr_literal, 0, AT_EL1H);
  CHECK("LDR of a literal", LOAD_WATCHED(0, (uint64_t)el1_literal, (uint64_t)el1_literal + 7));
  watch(0, (uint64_t)el0_literal, control);
  run(el0_ldr_literal, 0, AT_EL0);
  CHECK("LDR of a literal", LOAD_WATCHED(0, (uint64_t)el0_literal, (uint64_t)el0_literal + 7));
  watch(0, (uint64_t)el0_nops, control);
  run(el0_nops, 0, AT_EL0);
  CHECK_NOTHING("execution of what is watched");
  set_watchpoint(0, 0, 0);
}

void check_watchpoints(void) {
  set_mdscr(BOTH_ENABLED);
  check_kinds();
  set_mdscr(BOTH_ENABLED);
  for (unsigned bit = 0; bit < 8; bit++) check_bytes(1u << bit, 0);
  check_bytes(0x03, 0);
  check_bytes(0x18, 0);
  check_bytes(0x7e, 0);
  check_bytes(0xf0, 0);
  check_bytes(0xff, 0);
  check_bytes(0x0f, 4);
  check_bytes(0x02, 4);
  check_masks();
  check_links();
  check_effects();
  check_instructions();
  debug_off();
}

static void check_exclusives(void) {
  uint64_t stores = PMC_BOTH | STORES | BAS(0xff), loads = PMC_BOTH | LOADS | BAS(0xff);
  *word(WATCHED_WORD) = 100;
  *word(WATCHED_WORD + 8) = 5;
  watch(0, WATCHED_WORD, loads);
  run(el1_exclusive, WATCHED_WORD, AT_EL1H);
  CHECK("LDXR", LOAD_WATCHED(0, WATCHED_WORD, WATCHED_WORD + 7));
  watch(0, WATCHED_WORD, stores);
  run(el1_exclusive, WATCHED_WORD, AT_EL1H);
  CHECK("STXR", STORE_WATCHED(8, WATCHED_WORD, WATCHED_WORD + 7));
  watch(0, WATCHED_WORD, loads);
  run(el0_exclusive, WATCHED_WORD, AT_EL0);
  CHECK("LDXR", LOAD_WATCHED(0, WATCHED_WORD, WATCHED_WORD + 7));
  watch(0, WATCHED_WORD, stores);
  run(el0_exclusive, WATCHED_WORD, AT_EL0);
  CHECK("STXR", STORE_WATCHED(8, WATCHED_WORD, WATCHED_WORD + 7));
  watch(0, WATCHED_WORD + 8, stores);
  run(el0_exclusive_pair, WATCHED_WORD, AT_EL0);
  CHECK("STLXP, second", STORE_WATCHED(8, WATCHED_WORD + 8, WATCHED_WORD + 15));
  watch(0, WATCHED_WORD + 8, loads);
  run(el1_exclusive_pair, WATCHED_WORD, AT_EL1H);
  CHECK("LDAXP, second", LOAD_WATCHED(0, WATCHED_WORD + 8, WATCHED_WORD + 15));
  check_value("what the exclusives have counted", *word(WATCHED_WORD), 106);
}

// Atomics load and store; a store it is for the syndrome unless only loads are watched.
static void check_atomics(void) {
  static routine *const atomics[] = {el1_swp, el1_ldadd, el0_swp, el0_ldadd, el0_cas};
  bool right = true;
  if (((read_sysreg(id_aa64isar0_el1) >> 20) & 15) != 0) {
    for (unsigned i = 0; i < sizeof atomics / sizeof *atomics; i++) {
      for (unsigned kind = 0; kind < 3; kind++) {
        *word(WATCHED_WORD) = 0;
        watch(0, WATCHED_WORD, PMC_BOTH | kinds[kind].control | BAS(0xff));
        run(atomics[i], WATCHED_WORD, i < 2 ? AT_EL1H : AT_EL0);
        uint64_t class = i < 2 ? CLASS(0x35) : CLASS(0x34);
        right = right && event_count == 1 && events[0].far == WATCHED_WORD && *word(WATCHED_WORD) == VALUE &&
                (events[0].esr & ~WNR) == (class | DEBUG_FAULT);
      }
    }
  }
  check_true("SWP, LDADD and CAS are watched where there are any", right);
}

static void check_unaligned(void) {
  uint64_t control = PMC_BOTH | BOTH | BAS(0xff), page = (uint64_t)memory + 4096;
  access_("LDR across its start", el1_ldr, AT_EL1H, WATCHED_WORD - 1, control, false, true);
  access_("STR across its start", el0_str, AT_EL0, WATCHED_WORD - 7, control, true, true);
  access_("STR across its end", el1_str, AT_EL1H, WATCHED_WORD + 7, control, true, true);
  access_("LDRH before it", el0_ldrh, AT_EL0, WATCHED_WORD - 3, control, false, false);
  access_("LDRH across its start", el0_ldrh, AT_EL0, WATCHED_WORD - 1, control, false, true);
  watch(2, page, control);
  run(el0_ldr, page - 3, AT_EL0);
  CHECK("LDR into a watched page", LOAD_WATCHED(0, page, page + 7));
  watch(2, page - 8, control);
  run(el1_str, page - 3, AT_EL1H);
  CHECK("STR out of a watched page", STORE_WATCHED(0, page - 3, page - 1));
  watch(2, page, control);
  run(el1_ldp, page - 12, AT_EL1H);
  CHECK("LDP into a watched page", LOAD_WATCHED(0, page, page + 7));
  set_watchpoint(2, 0, 0);
}

static void check_zero_block(void) {
  uint64_t bytes = 4ul << (read_sysreg(dczid_el0) & 15), control = PMC_BOTH | STORES | BAS(0xff);
  uint64_t block = WATCHED_WORD & -bytes;
  write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | (1ul << 14));  // DZE
  isb();
  *word(block) = 1;
  *word(block + bytes - 8) = 2;
  watch(0, block + bytes - 8, control);
  run(el1_zero_block, block + 16, AT_EL1H);
  CHECK("DC ZVA, last doubleword of the block", STORE_WATCHED(0, block, block + bytes - 1));
  check_value("what is in memory in the end", *word(block) | *word(block + bytes - 8), 0);
  watch(0, block, control);
  run(el0_zero_block, block + 16, AT_EL0);
  CHECK("DC ZVA, first doubleword of the block", STORE_WATCHED(0, block, block + bytes - 1));
  watch(0, block, PMC_BOTH | LOADS | BAS(0xff));
  run(el0_zero_block, block, AT_EL0);
  CHECK_NOTHING("DC ZVA, watched for loads");
  watch(0, block + bytes, control);
  run(el0_zero_block, block + 8, AT_EL0);
  CHECK_NOTHING("DC ZVA of the block before");
  watch(0, WATCHED_WORD, PMC_BOTH | BOTH | BAS(0xff));
  run(el1_clean, WATCHED_WORD, AT_EL1H);
  CHECK_NOTHING("DC CVAC");
  run(el1_translate, WATCHED_WORD, AT_EL1H);
  CHECK_NOTHING("AT S1E1W");
  set_watchpoint(0, 0, 0);
}

// Faults of translation come before watchpoints (Arm ARM D1.3.5.4).
static void check_faults(void) {
  uint64_t text = (uint64_t)el0_nops;
  watch(0, text, PMC_BOTH | BOTH | BAS(0xff));
  run(el0_str, text, AT_EL0);
  CHECK("STR to watched code", {.syndrome = CLASS(0x24) | WNR | 0xf, .far_first = text, .far_last = text});
  run(el0_ldr, text, AT_EL0);
  CHECK("LDR of watched code", LOAD_WATCHED(0, text, text + 7));
  watch(0, WATCHED_WORD, PMC_BOTH | BOTH | BAS(0xff));
  run(el0_ldar, WATCHED_WORD + 1, AT_EL0);
  CHECK("unaligned LDAR of what is watched",
        {.syndrome = CLASS(0x24) | 0x21, .far_first = WATCHED_WORD + 1, .far_last = WATCHED_WORD + 1});
  set_watchpoint(0, 0, 0);
}

void check_watchpoints_of_normal_memory(void) {
  set_mdscr(BOTH_ENABLED);
  check_exclusives();
  check_atomics();
  check_unaligned();
  check_zero_block();
  check_faults();
  debug_off();
}
