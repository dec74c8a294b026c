// No `mpy_init`.
//# arch: x64 armv6m
//# ours: refuses L0103
//# incumbent: error unknown symbol: mpy_init
#define CASE_NO_INIT
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
