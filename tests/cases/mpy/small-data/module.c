// Small variables and constants in sections of their own, as RISC-V compilers place them.
//# arch: riscv
//# compiler: gnu
//# cflags: -msmall-data-limit=8
//# test: run(4) == 48
//# incumbent: error non-empty
#include "case.h"

static int zeroed;
int initialised = 40;
static const volatile int constant = 2;
const volatile int shared = 2;

mp_int_t run(mp_int_t x) {
    zeroed += x;
    initialised += zeroed;
    mp_int_t result = initialised + constant + shared;
    initialised -= zeroed;
    zeroed = 0;
    return result;
}
