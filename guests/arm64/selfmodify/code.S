// Little routines that main.c rewrites or copies.

        .section .text.patched, "ax"
        .balign 4096
        .global patched_page
patched_page:
// A routine whose first instruction main.c replaces.
        .global answer
        .type answer, %function
answer:
        mov     x0, #1
        ret
        .size answer, . - answer

// uint64_t patch_ahead(uint32_t instruction): replaces an instruction a few lines further on, with the maintenance that the
// architecture asks for, and runs into it.
        .global patch_ahead
        .type patch_ahead, %function
patch_ahead:
        adr     x1, 1f
        str     w0, [x1]
        dc      cvau, x1
        dsb     ish
        ic      ivau, x1
        dsb     ish
        isb
        mov     x0, #0
1:      mov     x0, #1
        ret
        .size patch_ahead, . - patch_ahead

// uint64_t patch_loop(uint32_t instruction, uint64_t rounds): a loop that adds 1 a round until, half way, it replaces its own
// addition.
        .global patch_loop
        .type patch_loop, %function
patch_loop:
        mov     x2, x0
        mov     x0, #0
        lsr     x3, x1, #1
        adr     x4, 1f
2:      cmp     x1, x3
        b.ne    1f
        str     w2, [x4]
        dc      cvau, x4
        dsb     ish
        ic      ivau, x4
        dsb     ish
        isb
1:      add     x0, x0, #1
        subs    x1, x1, #1
        b.ne    2b
        ret
        .size patch_loop, . - patch_loop

// Two instructions that run at any address; main.c copies them with its own constant.
        .global template_routine
        .type template_routine, %function
template_routine:
        movz    x0, #0
        ret
        .size template_routine, . - template_routine
        .balign 4096
        .global patched_page_end
patched_page_end:
