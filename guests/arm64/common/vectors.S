// Exception vectors (Arm ARM D1.10.2). Each entry saves a struct trap_frame (guest.h) and calls handle_exception with it;
// what the handler leaves in the frame is restored.

#define FRAME_SIZE 304

        .macro vector number
        .balign 0x80
        sub     sp, sp, #FRAME_SIZE
        stp     x0, x1, [sp]
        mov     x0, #\number
        b       save_and_handle
        .endm

        .text
        .balign 0x800
        .global vectors
        .type vectors, %function
vectors:
        .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vector  \number
        .endr
        .size vectors, . - vectors

        .type save_and_handle, %function
save_and_handle:
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        mrs     x1, elr_el1
        stp     x30, x1, [sp, #240]
        mrs     x1, spsr_el1
        mrs     x2, esr_el1
        stp     x1, x2, [sp, #256]
        mrs     x1, far_el1
        stp     x1, x0, [sp, #272]
        mov     x0, sp
        mov     x29, xzr
        bl      handle_exception
        ldp     x30, x1, [sp, #240]
        msr     elr_el1, x1
        ldr     x1, [sp, #256]
        msr     spsr_el1, x1
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        ldp     x8, x9, [sp, #64]
        ldp     x10, x11, [sp, #80]
        ldp     x12, x13, [sp, #96]
        ldp     x14, x15, [sp, #112]
        ldp     x16, x17, [sp, #128]
        ldp     x18, x19, [sp, #144]
        ldp     x20, x21, [sp, #160]
        ldp     x22, x23, [sp, #176]
        ldp     x24, x25, [sp, #192]
        ldp     x26, x27, [sp, #208]
        ldp     x28, x29, [sp, #224]
        ldp     x0, x1, [sp]
        add     sp, sp, #FRAME_SIZE
        eret
        .size save_and_handle, . - save_and_handle
