// A section for each function: `mpy_init` is not in the first section of code.
//# cflags: -ffunction-sections -fdata-sections
//# ours: runs
//# test: run(7) == 5040
//# incumbent: runs
//# incumbent(xtensa): error AssertionError
//# compat: same
//# compat(xtensa): refuses L0401
#include "case.h"

static __attribute__((noinline)) mp_int_t helper(mp_int_t x) {
    return x == 0 ? 1 : x * helper(x - 1);
}

mp_int_t run(mp_int_t x) {
    return helper(x);
}
