// The code that runs under this guest's own debugging, at EL1 and at EL0 (in pages of EL0's).

#define NAME(name) el1_##name
#define SECTION .text, "ax"
#define AT_EL1
#include "code.inc"
#undef NAME
#undef SECTION
#undef AT_EL1

#define NAME(name) el0_##name
#define SECTION .user.text, "ax"
#include "code.inc"
#undef NAME
#undef SECTION

// --- for EL1 alone ------------------------------------------------------------------------------------------------------------

#define NAME(name) el1_##name
#define SECTION .text, "ax"

// Masks debug exceptions, and unmasks them again.
ROUTINE(mask_debug)
        nop
        msr     daifset, #8
        nop
        nop
        msr     daifclr, #8
        nop
        nop
END(mask_debug)

// Under step it returns to itself: ELR_EL1 is where the last return went.
ROUTINE(exception_return)
        eret
        nop
END(exception_return)

// System registers of which a hypervisor may trap some, and a call to it: PSCI_VERSION.
ROUTINE(step_traps)
        mrs     x2, mdscr_el1
        mrs     x3, dbgbvr3_el1
        msr     dbgbvr3_el1, x3
        mrs     x4, oslsr_el1
        mrs     x5, pmcr_el0
        mrs     x6, ctr_el0
        mov     w0, #0x84000000
        hvc     #0
        nop
END(step_traps)

// Loads and stores of the UART's line control register at x0, which a device model answers.
ROUTINE(step_device)
        ldr     w2, [x0]
        str     w2, [x0]
        ldr     w3, [x0]
        nop
END(step_device)

// --- void run_code(code, argument, pstate) ------------------------------------------------------------------------------------

        .text
        .global run_code
        .type run_code, %function
run_code:
        stp     x29, x30, [sp, #-96]!
        mov     x29, sp
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        msr     elr_el1, x0
        msr     spsr_el1, x2
        mov     x0, x1
        ldr     x1, =0x1122334455667788
        mov     x2, xzr
        mov     x3, xzr
        mov     x4, xzr
        eret
        .ltorg
        .size run_code, . - run_code

// The handler returns here when the code has ended, at EL1 with the stack as run_code left it.
        .global back_from_code
        .type back_from_code, %function
back_from_code:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret
        .size back_from_code, . - back_from_code

// --- other vectors: at 2 KiB from the next, which is their least alignment ----------------------------------------------------

        .macro other_vector number
        .balign 0x80
        mov     x20, #\number
        mrs     x21, esr_el1
        mrs     x22, elr_el1
        mrs     x23, spsr_el1
        add     x24, x22, #4
        msr     elr_el1, x24
        eret
        .endm

        .balign 0x1000
        .skip 0x800
        .global other_vectors
other_vectors:
        .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        other_vector \number
        .endr

// BRK with these vectors: what they saw, to x0's four words.
        .global brk_with_other_vectors
        .type brk_with_other_vectors, %function
brk_with_other_vectors:
        stp     x20, x21, [sp, #-64]!
        stp     x22, x23, [sp, #16]
        str     x24, [sp, #32]
        mrs     x9, vbar_el1
        adrp    x10, other_vectors
        add     x10, x10, :lo12:other_vectors
        msr     vbar_el1, x10
        isb
        .global brk_of_other_vectors
brk_of_other_vectors:
        brk     #0x99
        msr     vbar_el1, x9
        isb
        stp     x20, x21, [x0]
        stp     x22, x23, [x0, #16]
        ldr     x24, [sp, #32]
        ldp     x22, x23, [sp, #16]
        ldp     x20, x21, [sp], #64
        ret
        .size brk_with_other_vectors, . - brk_with_other_vectors
