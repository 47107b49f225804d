// Single-steps a guest on /dev/kvm in a loop of KVM_RUN, as fast as C can: what bench/kvm-step.ts compares itself with.
// Usage: kvm-step STEPS [VALID_REGS]; prints steps per second. The guest is real-mode `inc ax; jmp .-1` at 0x1000.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

static int checked(int result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return result;
}

int main(int argc, char **argv) {
  long steps = argc > 1 ? atol(argv[1]) : 100000;
  int kvm = checked(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
  int vm = checked(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  checked(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
  unsigned char *ram = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(ram + 0x1000, "\x40\xeb\xfd", 3);
  struct kvm_userspace_memory_region region = {.memory_size = 0x10000, .userspace_addr = (unsigned long)ram};
  checked(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  int vcpu = checked(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  int size = checked(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (argc > 2) run->kvm_valid_regs = strtoul(argv[2], NULL, 0);
  struct kvm_sregs sregs;
  checked(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  sregs.cs.base = sregs.cs.selector = 0;
  checked(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  struct kvm_regs regs = {.rip = 0x1000, .rflags = 2};
  checked(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
  struct kvm_guest_debug debug = {.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP};
  checked(ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug), "KVM_SET_GUEST_DEBUG");

  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (long i = 0; i < steps; i++) {
    checked(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
    if (run->exit_reason != KVM_EXIT_DEBUG) {
      fprintf(stderr, "exit %u after %ld steps\n", run->exit_reason, i);
      return 1;
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
  printf("%.0f\n", (double)steps / seconds);
  return 0;
}
