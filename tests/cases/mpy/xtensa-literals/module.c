// Literals of several sections of one file: the incumbent tells them apart by file and offset only.
//# arch: xtensa
//# cflags: -mno-force-l32 -ffunction-sections
//# test: run(2) == 702000
//# incumbent: wrong
//# compat: refuses L0401
#include "case.h"

__attribute__((noinline)) int first(int x) {
    return x * 123000;
}
__attribute__((noinline)) int second(int x) {
    return x + 455998;
}

mp_int_t run(mp_int_t x) {
    return first(x) + second(x);
}
