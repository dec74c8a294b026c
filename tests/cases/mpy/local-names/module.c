// Local functions and variables of the same name in two files.
//# test: run(3) == 326
//# incumbent: runs
// The incumbent takes literals for the same that are at the same offset in sections of the same name.
//# incumbent(xtensa): wrong
//# compat: same
//# compat(xtensa): refuses L0401
//# cflags(xtensa): -mno-force-l32
#include "case.h"

int other(int x);
static const int table[] = { 1, 2, 3, 26 };
static __attribute__((noinline)) int helper(int x) {
    return table[x];
}
mp_int_t run(mp_int_t x) {
    return helper(x) + other(x);
}
