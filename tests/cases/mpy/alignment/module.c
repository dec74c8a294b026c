// More alignment than any loader promises: the address may be right or not.
//# arch: armv7m
//# compiler: gnu
//# ours: warns L0204
#include "case.h"

const volatile int aligned[4] __attribute__((aligned(4096))) = { 1, 2, 3, 4 };
mp_int_t run(mp_int_t x) {
    return aligned[x & 3];
}
