// A big-endian object among others.
//# arch: armv7m
//# compiler: gnu
//# make: $CC -mbig-endian -c $CASE/module.c -o big.o
//# objects: big.o
//# ours: refuses L0003
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
