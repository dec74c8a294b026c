// Block moves that compilers call on their own, without any library.
//# arch: x64 x86 arm riscv
//# test: run(5) == 5105
//# incumbent(arm): error undefined symbol
#include "case.h"

void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

struct Block {
    int words[40];
};
void fill(int *block);
static __attribute__((noinline)) struct Block copy(const struct Block *from) {
    return *from;
}
mp_int_t run(mp_int_t x) {
    struct Block one = { { 0 } }, other;
    fill(one.words);
    one.words[39] += x;
    other = copy(&one);
    memmove(&other.words[1], &other.words[0], 8);
    memset(&one, 0, sizeof(one));
    return other.words[39] + other.words[2] * 100 + one.words[39];
}
