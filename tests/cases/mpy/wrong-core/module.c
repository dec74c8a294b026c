// An object that needs a bigger core than the module promises.
//# arch: armv6m
//# compiler: gnu
//# make: $CC -mcpu=cortex-m3 -fpic -x c -c $CASE/other.txt -o other.o
//# objects: module.o other.o
//# ours: refuses L0015
//# incumbent: links
#include "case.h"

int other(int x);
mp_int_t run(mp_int_t x) {
    return other(x);
}
