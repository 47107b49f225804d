# A boot sector that goes from real mode, with a far jump into another segment and an INT3 of its own, through protected mode to
# long mode, and ends by the debug-exit port with status 1.
.intel_syntax noprefix
.code16
.globl _start
_start:
  cli
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, 0x7c00
  mov si, offset msg16
1: lodsb
  test al, al
  jz real_done
  mov dx, 0x3f8
  out dx, al
  jmp 1b
real_done:
  .byte 0xea
  .word far_entry - _start
  .word 0x7c0
far_entry:
  nop
  nop
  .byte 0xea
  .word back
  .word 0
back:
  mov word ptr [12], offset handler
  mov word ptr [14], 0
  int3
after_int3:
  mov cx, 3
real_loop:
  inc word ptr [counter]
  loop real_loop
  # page tables at 0x1000..0x3fff
  xor eax, eax
  mov es, ax
  mov edi, 0x1000
  mov ecx, 0xc00
  rep stosd
  mov dword ptr [0x1000], 0x2003
  mov dword ptr [0x2000], 0x3003
  mov dword ptr [0x3000], 0x83
  lgdt [gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  .byte 0xea
  .word prot
  .word 8
.code32
prot:
  mov ax, 0x10
  mov ds, ax
  mov ss, ax
  mov ebx, 0x12345678
prot_loop:
  inc dword ptr [counter]
  mov eax, 0x1000
  mov cr3, eax
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  .byte 0xea
  .long long_mode
  .word 0x18
.code64
long_mode:
  mov rax, 0x123456789abcdef0
  mov rbx, rax
long_loop:
  inc dword ptr [rip+counter]
  mov al, 0
  mov dx, 0xf4
  out dx, al
1: hlt
  jmp 1b
.code16
handler:
  inc word ptr [hits]
  iret
hits: .word 0
msg16: .asciz "real mode\n"
.balign 8
counter: .quad 0
gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdtr: .word 31
 .long gdt
.org 510
.word 0xaa55
