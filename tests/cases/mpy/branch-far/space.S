        .text
        .global far
#ifdef __x86_64__
        .type far, @function
        .space 5 << 20
far:    lea     (%rdi, %rdi, 2), %edi
        jmp     back
#else
        .syntax unified
        .thumb
        .type far, %function
        .space 5 << 20
        .thumb_func
far:    push    {r4, lr}
        adds    r0, r0, r0
        bl      back
        pop     {r4, pc}
#endif
