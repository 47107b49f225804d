// A Linux module whose initialisation runs into a WARN and then into a BUG, as the kernel's macros make them: BRK #0x800 and an
// entry in __bug_table (Linux include/asm-generic/bug.h, arch/arm64/include/asm/asm-bug.h). What depends on the kernel that is to
// load it is left open and filled in from one of its own modules (scripts/initramfs/kernelModule.ts): vermagic, the checksum of
// module_layout, and where struct module has its pointer to the initialisation.

#define BUG_BRK 0x800
#define BUGFLAG_WARNING (1 << 0)
#define TAINT_WARN (9 << 8)

        .text
        .global init_module
        .type init_module, %function
init_module:
        nop
.Lwarn: brk     #BUG_BRK
        nop
.Lbug:  brk     #BUG_BRK
        mov     w0, wzr
        ret
        .size init_module, . - init_module

        .section __bug_table, "aw"
        .balign 8
        .long   .Lwarn - ., .Lfile - .
        .short  1001, BUGFLAG_WARNING | TAINT_WARN
        .long   .Lbug - ., .Lfile - .
        .short  1002, 0

        .section .rodata.str, "aMS", %progbits, 1
.Lfile: .asciz  "vmexit/traps.S"

        .section .modinfo, "a"
        .asciz  "license=GPL"
        .asciz  "name=traps"
        .ascii  "vermagic="
        .skip   200

        .section __versions, "a"
        .balign 8
        .quad   0
        .ascii  "module_layout"
        .skip   43

// struct module: the name stands at 24 in every version; no version has more than this.
        .section .gnu.linkonce.this_module, "aw"
        .balign 64
        .skip   24
        .ascii  "traps"
        .skip   0x138 - 24 - 5
        .quad   init_module
        .skip   0x800 - 0x140

// The loader of arm64 wants these to be there.
        .section .plt, "ax"
        .byte   0
        .section .init.plt, "a"
        .byte   0
        .section .text.ftrace_trampoline, "ax"
        .byte   0
        .section .note.GNU-stack, "", %progbits
