// What the child does while its parent traces it. Every routine ends with RET.

        .text

// Stores eight bytes, one after another, from x0 on.
        .global store_bytes
store_bytes:
        mov     w1, #0
1:      strb    w1, [x0, x1]
        add     w1, w1, #1
        cmp     w1, #8
        b.ne    1b
        ret

// Ten stores to x0 and ten to the doubleword behind it; a load of each before.
        .global store_words
store_words:
        mov     w1, #10
1:      ldr     x2, [x0]
        ldr     x3, [x0, #8]
        add     x2, x2, #1
        .global store_of_words
store_of_words:
        str     x2, [x0]
        str     x2, [x0, #8]
        subs    w1, w1, #1
        b.ne    1b
        ret

// A pair whose second half is at x0, and one whose first half is.
        .global store_pairs
store_pairs:
        sub     x3, x0, #8
        stp     xzr, x0, [x3]
        stp     x0, xzr, [x0]
        ret

// An increment with exclusives.
        .global store_exclusive
store_exclusive:
1:      ldxr    x1, [x0]
        add     x1, x1, #1
        stxr    w2, x1, [x0]
        cbnz    w2, 1b
        ret

        .global called
called:
        add     x0, x0, #1
        ret

        .global call_five_times
call_five_times:
        stp     x29, x30, [sp, #-16]!
        mov     x0, #0
        bl      called
        bl      called
        bl      called
        bl      called
        bl      called
        ldp     x29, x30, [sp], #16
        ret

// Stepped through: a branch, a system call (getpid), accesses, a loop, a breakpoint instruction that the tracer skips.
        .global stepped, stepped_brk, stepped_end
stepped:
        mov     x1, #2
1:      subs    x1, x1, #1
        b.ne    1b
        mov     x8, #172
        svc     #0
        str     x0, [sp, #-16]!
        ldr     x2, [sp], #16
        b       2f
        nop
2:      mrs     x3, tpidr_el0
        isb
stepped_brk:
        brk     #0x123
        nop
stepped_end:
        ret

// Probed by uprobes from outside.
        .global probed
probed:
        add     x0, x0, #3
        adr     x1, probed
        cbz     x0, 1f
        sub     x0, x0, #1
1:      ret
