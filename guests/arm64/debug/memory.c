// What the compiler calls for structures.
#include <stddef.h>

void *memset(void *target, int byte, size_t size) {
  char *at = target;
  while (size-- > 0) *at++ = (char)byte;
  return target;
}

void *memcpy(void *target, const void *source, size_t size) {
  char *to = target;
  const char *from = source;
  while (size-- > 0) *to++ = *from++;
  return target;
}
