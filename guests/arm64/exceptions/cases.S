// One routine per exception. Each raises it with its first instruction unless it says otherwise, and never returns by itself:
// main.c's handler goes back to x30 (EL1) or to run_at_el0's caller (EL0). x0 is the address that main.c gives.

        .macro case name, section=.text
        .section \section, "ax"
        .global \name
        .type \name, %function
        .balign 16
\name:
        .endm

        .macro end name
        b       .
        .size \name, . - \name
        .endm

// --- at EL1 -----------------------------------------------------------------------------------------------------------

        case    el1_svc
        svc     #0x12
        end     el1_svc

        case    el1_brk
        brk     #0x345
        end     el1_brk

        case    el1_udf
        udf     #0
        end     el1_udf

        case    el1_smc
        smc     #0
        end     el1_smc

        case    el1_unallocated_register
        mrs     x1, s3_7_c4_c4_4
        end     el1_unallocated_register

        case    el1_load
        ldr     x1, [x0]
        end     el1_load

        case    el1_store
        str     wzr, [x0]
        end     el1_store

        case    el1_store_second_page
        stp     xzr, xzr, [x0]
        end     el1_store_second_page

        case    el1_load_exclusive
        ldxr    x1, [x0]
        end     el1_load_exclusive

        case    el1_jump
        br      x0
        end     el1_jump

        case    el1_fp
        fmov    d0, xzr
        end     el1_fp

// Raised at the instruction after the ERET, which returns to no exception level there is.
        case    el1_illegal_return
        mov     x1, #0x3c6
        msr     spsr_el1, x1
        adr     x1, 1f
        msr     elr_el1, x1
        eret
1:      nop
        end     el1_illegal_return

// --- at EL0 -----------------------------------------------------------------------------------------------------------

        case    el0_svc, .user.text
        svc     #0x7
        end     el0_svc

        case    el0_brk, .user.text
        brk     #0x1
        end     el0_brk

        case    el0_udf, .user.text
        udf     #0xffff
        end     el0_udf

        case    el0_hvc, .user.text
        hvc     #0
        end     el0_hvc

        case    el0_eret, .user.text
        eret
        end     el0_eret

        case    el0_load, .user.text
        ldr     x1, [x0]
        end     el0_load

        case    el0_store, .user.text
        str     x1, [x0]
        end     el0_store

        case    el0_load_exclusive, .user.text
        ldxr    w1, [x0]
        end     el0_load_exclusive

        case    el0_jump, .user.text
        br      x0
        end     el0_jump

        case    el0_read_ctr, .user.text
        mrs     x1, ctr_el0
        end     el0_read_ctr

        case    el0_read_sctlr, .user.text
        mrs     x1, sctlr_el1
        end     el0_read_sctlr

        case    el0_mask_interrupts, .user.text
        msr     daifset, #2
        end     el0_mask_interrupts

        case    el0_clean_cache, .user.text
        dc      cvau, x0
        end     el0_clean_cache

        case    el0_wfi, .user.text
        wfi
        end     el0_wfi

        case    el0_fp, .user.text
        fmov    d0, xzr
        end     el0_fp

// --- void run_at_el0(routine, argument, stack) --------------------------------------------------------------------------

        .text
        .global run_at_el0
        .type run_at_el0, %function
run_at_el0:
        stp     x29, x30, [sp, #-96]!
        mov     x29, sp
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        msr     elr_el1, x0
        msr     spsr_el1, xzr
        msr     sp_el0, x2
        mov     x0, x1
        eret
        .size run_at_el0, . - run_at_el0

// The handler returns here from an EL0 routine's exception, at EL1 with the stack as run_at_el0 left it.
        .global back_from_el0
        .type back_from_el0, %function
back_from_el0:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret
        .size back_from_el0, . - back_from_el0
