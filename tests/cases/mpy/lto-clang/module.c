// LLVM's bitcode in place of an object.
//# arch: x64 armv7m
//# compiler: zig
//# cflags: -flto
//# ours: refuses L0007
//# incumbent: error Magic number does not match
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
