// The demo: a small bank with a bug to find.
//
// The bank serves four customers and then audits itself: the balance is not what the ledger says, and no line that mentions
// `balance` is wrong. A watchpoint on it finds the write that no accountant made.
#include "guest.h"

struct customer {
  const char *name;
  int64_t amount;  // in coins; negative: takes out
};

static const struct customer customers[] = {
    {"Ada Lovelace", 250},
    {"Grace Hopper", -30},
    {"Radia J. Perlman", 305},
    {"Konrad Zuse", 80},
};

#define OPENING_BALANCE 1000
#define CUSTOMERS (sizeof customers / sizeof customers[0])

// The linker puts these sections in this order: `balance` stands right behind `receipt`, which makes the bug bite.
char receipt[16] __attribute__((section(".data.bank.1"), aligned(16)));
volatile int64_t balance __attribute__((section(".data.bank.2")));

// Every order ever accepted, for the audit.
static int64_t ledger[CUSTOMERS];

__attribute__((noinline)) static void copy_text(char *to, const char *from) {
  while (*from) *to++ = *from++;
  *to = '\0';
}

__attribute__((noinline)) static void print_receipt(const struct customer *customer) {
  copy_text(receipt, customer->name);
  print("  receipt for %s: %s %d coins\n", receipt, customer->amount < 0 ? "out" : "in",
        customer->amount < 0 ? -customer->amount : customer->amount);
}

__attribute__((noinline)) static void post_entry(unsigned line, int64_t amount) {
  ledger[line] = amount;
  balance = balance + amount;
}

__attribute__((noinline)) static void serve_customer(unsigned line) {
  const struct customer *customer = &customers[line];
  post_entry(line, customer->amount);
  print_receipt(customer);
}

__attribute__((noinline)) static void open_for_business(void) {
  for (unsigned line = 0; line < CUSTOMERS; line++) serve_customer(line);
}

__attribute__((noinline)) static int64_t audit(void) {
  int64_t expected = OPENING_BALANCE;
  for (unsigned line = 0; line < CUSTOMERS; line++) expected += ledger[line];
  print("audit: the ledger says %d coins, the balance is %d\n", expected, balance);
  return expected - balance;
}

void main(void) {
  mmu_start();
  balance = OPENING_BALANCE;
  print("The bank opens with %d coins.\n", balance);
  open_for_business();
  int64_t missing = audit();
  if (missing == 0) {
    print("All is well.\n");
  } else {
    print("%d coins are missing! Who wrote to balance?\n", missing);
  }
}
