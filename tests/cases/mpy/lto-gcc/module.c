// GCC's own intermediate code in place of machine code.
//# arch: x64 armv7m
//# compiler: gnu
//# cflags: -flto -fno-fat-lto-objects
//# ours: refuses L0007
//# incumbent: error unknown symbol: mpy_init
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
