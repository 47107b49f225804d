# A 64-bit guest to debug: it prints, counts in a loop, uses debugging of its own, and ends by the debug-exit port with status 1.
# A debugger may send it to `spin`, which never ends, or to `triple_fault`.
.intel_syntax noprefix
.set SERIAL, 0x3f8
.set DEBUG_EXIT, 0xf4

.macro gate vector, handler
  lea rax, [rip + \handler]
  lea rdi, [rip + idt + 16 * \vector]
  mov [rdi], ax
  mov word ptr [rdi + 2], 0x10
  mov word ptr [rdi + 4], 0x8e00
  shr rax, 16
  mov [rdi + 6], ax
  shr rax, 16
  mov [rdi + 8], eax
.endm

.text
.globl _start
_start:
  lea rsp, [rip + stack_end]
  xor ebp, ebp
  gate 1, on_debug
  gate 3, on_breakpoint
  gate 32, on_timer
  lidt [rip + idtr]
  lea rsi, [rip + hello]
  call print
  mov ecx, 5
.globl loop_head
loop_head:
  inc rbx
  mov [rip + counter], rbx
  dec ecx
  jnz loop_head
  call outer
.globl own_breakpoint
own_breakpoint:
  int3
.globl behind_own_breakpoint
behind_own_breakpoint:
  .byte 0xf1 # INT1
  # A step of its own: TF is set by POPF, and #DB comes behind the next instruction.
  pushfq
  or qword ptr [rsp], 0x100
  popfq
  nop
.globl after_own_step
after_own_step:
  pushfq
  and qword ptr [rsp], ~0x100
  popfq
  mov rax, 0x1122334455667788
  lea rsi, [rip + goodbye]
  call print
.globl finish
finish:
  xor eax, eax
  mov dx, DEBUG_EXIT
  out dx, al
1: hlt
  jmp 1b

.globl spin
spin:
  inc qword ptr [rip + spins]
  pause
  jmp spin

.globl triple_fault
triple_fault:
  lidt [rip + no_idt]
  int3

.globl wait_for_ever
wait_for_ever:
  cli
  hlt

.globl outer
outer:
  push rbp
  mov rbp, rsp
  call inner
  pop rbp
  ret

.globl inner
inner:
  push rbp
  mov rbp, rsp
.globl inside_inner
inside_inner:
  mov eax, [rip + counter]
  pop rbp
  ret

print:
  mov dx, SERIAL
1: lodsb
  test al, al
  jz 2f
  out dx, al
  jmp 1b
2: ret

.globl on_breakpoint
on_breakpoint:
  push rax
  mov rax, [rsp + 8]
  mov [rip + breakpoint_return], rax
  inc qword ptr [rip + own_breakpoints]
  pop rax
  iretq

.globl on_debug
on_debug:
  push rax
  mov rax, dr6
  or [rip + own_dr6], rax
  xor eax, eax
  mov dr6, rax
  inc qword ptr [rip + own_debugs]
  and qword ptr [rsp + 24], ~0x100
  pop rax
  iretq

on_timer:
  iretq

.section .rodata
hello: .asciz "hello from x86-64\n"
goodbye: .asciz "goodbye\n"

.data
.balign 8
.globl counter
counter: .quad 0
.globl spins
spins: .quad 0
.globl own_breakpoints
own_breakpoints: .quad 0
.globl own_debugs
own_debugs: .quad 0
.globl own_dr6
own_dr6: .quad 0
.globl breakpoint_return
breakpoint_return: .quad 0
idtr:
  .word 33 * 16 - 1
  .quad idt
no_idt:
  .word 0
  .quad 0
.bss
.balign 16
idt: .skip 33 * 16
stack: .skip 4096
stack_end:
