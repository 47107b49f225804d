#include <stdarg.h>

#include "guest.h"

// Arm PrimeCell UART (PL011) Technical Reference Manual, chapter 3.
#define UART_BASE 0x09000000ul
#define UARTDR 0x000
#define UARTFR 0x018
#define UARTFR_TXFF (1u << 5)
#define UARTIBRD 0x024
#define UARTFBRD 0x028
#define UARTLCR_H 0x02c
#define UARTLCR_H_8_BITS_FIFO (3u << 5 | 1u << 4)
#define UARTCR 0x030
#define UARTCR_TRANSMIT (1u << 8 | 1u << 0)

static volatile uint32_t *uart(unsigned offset) { return (volatile uint32_t *)(UART_BASE + offset); }

void console_start(void) {
  *uart(UARTCR) = 0;
  // 115200 baud from a 24 MHz clock.
  *uart(UARTIBRD) = 13;
  *uart(UARTFBRD) = 1;
  *uart(UARTLCR_H) = UARTLCR_H_8_BITS_FIFO;
  *uart(UARTCR) = UARTCR_TRANSMIT;
}

void print_char(char c) {
  while (*uart(UARTFR) & UARTFR_TXFF) {
  }
  *uart(UARTDR) = (uint8_t)c;
}

static void print_string(const char *text) {
  while (*text) print_char(*text++);
}

static void print_number(uint64_t value, unsigned base) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (count > 0) print_char(digits[--count]);
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') {
      print_char(*format);
      continue;
    }
    switch (*++format) {
      case 's':
        print_string(va_arg(arguments, const char *));
        break;
      case 'c':
        print_char((char)va_arg(arguments, int));
        break;
      case 'd': {
        int64_t value = va_arg(arguments, int64_t);
        if (value < 0) print_char('-');
        print_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
        break;
      }
      case 'u':
        print_number(va_arg(arguments, uint64_t), 10);
        break;
      case 'x':
        print_string("0x");
        print_number(va_arg(arguments, uint64_t), 16);
        break;
      default:
        print_char(*format);
        break;
    }
  }
  va_end(arguments);
}
