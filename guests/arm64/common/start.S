// Entry of every guest: EL1, MMU off, interrupts masked (PSTATE.DAIF), on the boot CPU.

#define STACK_SIZE 0x4000

        .section .text.start, "ax"
        .global _start
        .type _start, %function
_start:
        msr     daifset, #0xf
        adrp    x1, boot_stack_top
        add     sp, x1, :lo12:boot_stack_top
        adrp    x1, vectors
        add     x1, x1, :lo12:vectors
        msr     vbar_el1, x1
        // CPACR_EL1.FPEN: FP and SIMD do not trap.
        mov     x1, #(3 << 20)
        msr     cpacr_el1, x1
        isb
        adrp    x1, __bss_start
        add     x1, x1, :lo12:__bss_start
        adrp    x2, __bss_end
        add     x2, x2, :lo12:__bss_end
1:      cmp     x1, x2
        b.hs    2f
        stp     xzr, xzr, [x1], #16
        b       1b
2:      mov     x29, xzr
        mov     x30, xzr
        bl      console_start
        bl      main
        b       power_off
        .size _start, . - _start

// Entry of a CPU started by PSCI CPU_ON: x0 is the context, a pointer to { stack top, function, argument }.
        .text
        .global secondary_start
        .type secondary_start, %function
secondary_start:
        msr     daifset, #0xf
        ldp     x1, x2, [x0]
        ldr     x0, [x0, #16]
        mov     sp, x1
        adrp    x1, vectors
        add     x1, x1, :lo12:vectors
        msr     vbar_el1, x1
        mov     x1, #(3 << 20)
        msr     cpacr_el1, x1
        isb
        mov     x29, xzr
        mov     x30, xzr
        blr     x2
        b       cpu_off
        .size secondary_start, . - secondary_start

// uint64_t psci_call(function, argument, argument, argument): SMC Calling Convention, HVC conduit.
        .global psci_call
        .type psci_call, %function
psci_call:
        hvc     #0
        ret
        .size psci_call, . - psci_call

        .section .stacks, "aw", %nobits
        .balign 16
        .skip STACK_SIZE
        .global boot_stack_top
boot_stack_top:
