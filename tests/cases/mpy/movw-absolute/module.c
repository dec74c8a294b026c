// The halves of an absolute address: the loader relocates words only.
//# arch: armv7m
//# compiler: gnu
//# cflags: -fno-pic -mslow-flash-data
//# ours: refuses L0304
#include "case.h"

int table[] = { 1, 2, 3 };

mp_int_t run(mp_int_t x) {
    return table[x];
}
