        .syntax unified
        .thumb
        .text
        .space 17 << 20
        .global far
        .type far, %function
        .thumb_func
far:    bx      lr
