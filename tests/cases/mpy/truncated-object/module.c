// Half an object.
//# arch: x64 armv7m
//# compiler: gnu
//# make: head -c 700 other.o > half.o
//# objects: module.o half.o
//# ours: refuses L0002
//# incumbent: error Error
#include "case.h"

int other(int x);
mp_int_t run(mp_int_t x) {
    return other(x);
}
