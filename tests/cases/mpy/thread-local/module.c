// A variable of each thread.
//# arch: x64 riscv
//# compiler: gnu
//# ours: refuses L0203
//# ours(x64): refuses L0101 L0203
#include "case.h"

static __thread int counter;
mp_int_t run(mp_int_t x) {
    return counter += x;
}
