// Two strong definitions: both symbols are told.
//# arch: x64 armv7m
//# compiler: gnu
//# ours: refuses L0102
//# incumbent: error duplicate symbol: helper
#include "case.h"

int shared = 0;
int helper(int x) {
    return x;
}
mp_int_t run(mp_int_t x) {
    return helper(x);
}
