// uint32_t reverse32(uint32_t value): the bits in opposite order.
        .text
        .globl  reverse32
        .hidden reverse32

#if defined(__x86_64__) || defined(__i386__)

        .type   reverse32, @function
reverse32:
#if defined(__x86_64__)
        movl    %edi, %eax
#else
        movl    4(%esp), %eax
#endif
        bswap   %eax                    // the bytes, then inside them
        movl    %eax, %ecx
        shrl    $4, %ecx
        andl    $0x0f0f0f0f, %ecx
        andl    $0x0f0f0f0f, %eax
        shll    $4, %eax
        orl     %ecx, %eax              // the halves
        movl    %eax, %ecx
        shrl    $2, %ecx
        andl    $0x33333333, %ecx
        andl    $0x33333333, %eax
        shll    $2, %eax
        orl     %ecx, %eax              // the pairs
        movl    %eax, %ecx
        shrl    $1, %ecx
        andl    $0x55555555, %ecx
        andl    $0x55555555, %eax
        addl    %eax, %eax
        orl     %ecx, %eax              // the bits
        ret

#elif defined(__arm__)

        .syntax unified
        .thumb
        .thumb_func
        .type   reverse32, %function
reverse32:
#if __ARM_ARCH_ISA_THUMB >= 2
        rbit    r0, r0
        bx      lr
#else
        movs    r1, r0                  // Thumb-1 has no such instruction: bit by bit, through the carry
        movs    r2, #32
1:      lsrs    r1, r1, #1
        adcs    r0, r0
        subs    r2, r2, #1
        bne     1b
        bx      lr
#endif

#elif defined(__riscv)

        .type   reverse32, @function
reverse32:
        mv      a1, a0
        li      a2, 32
1:      slli    a0, a0, 1
        andi    a3, a1, 1
        or      a0, a0, a3
        srli    a1, a1, 1
        addi    a2, a2, -1
        bnez    a2, 1b
#if __riscv_xlen == 64
        sext.w  a0, a0                  // how the calling convention passes 32 bits
#endif
        ret

#else
#error "reverse32 is not written for this instruction set"
#endif

        .size   reverse32, . - reverse32
