        .syntax unified
        .thumb
        .text
        .global by_halves
        .type by_halves, %function
        .thumb_func
by_halves:
        movw    r0, #:lower16:(answer - (.Lhere + 4))
        movt    r0, #:upper16:(answer - (.Lhere + 4))
.Lhere: add     r0, pc
        ldr     r0, [r0]
        bx      lr
        .section .rodata.answer, "a"
        .align 2
        .global answer
answer: .word 1234
