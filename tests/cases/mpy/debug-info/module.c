// Debugging information and unwinding tables are left out.
//# arch: x64 x86 arm riscv
//# cflags: -g -fasynchronous-unwind-tables -fexceptions
//# test: run(3) == 24
//# incumbent: runs
//# incumbent(arm): error undefined symbol: __aeabi_unwind_cpp_pr0
//# compat: same
//# compat(arm): links
#include "case.h"

static __attribute__((noinline)) int helper(int x) {
    return x * 4;
}
mp_int_t run(mp_int_t x) {
    return helper(x) + helper(x);
}
