// An `mpy_init` that is not a function.
//# arch: x64
//# ours: refuses L0105
//# incumbent: links
#define CASE_NO_INIT
#include "case.h"

const int mpy_init[] = { 1, 2, 3 };
mp_int_t run(mp_int_t x) {
    return x;
}
