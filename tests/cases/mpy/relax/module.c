// Objects for a linker that shortens code: R_RISCV_RELAX and R_RISCV_ALIGN. They are right as they are.
//# arch: riscv
//# cflags: -mrelax -falign-functions=16
//# test: run(3) == 331
//# incumbent: runs
//# compat: same
#include "case.h"

int other(int x);
static __attribute__((noinline)) int helper(int x) {
    return x ? other(x) + 1 : helper(x - 1);
}

mp_int_t run(mp_int_t x) {
    return helper(x);
}
