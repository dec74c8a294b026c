// An object of another architecture.
//# arch: armv7m
//# compiler: gnu
//# make: gcc -c -x c /dev/null -o host.o
//# objects: module.o host.o
//# ours: refuses L0005
//# incumbent: error incompatible arch
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
