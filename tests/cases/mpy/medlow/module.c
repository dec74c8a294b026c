// Absolute addresses in two halves, as code compiled for a fixed place has them: `lui` and `addi`, `lw` or `sw`.
//# arch: riscv
//# cflags: -fno-pic -fno-pie -mcmodel=medlow
//# test: run(3) == 333
//# test: run(4) == 434
//# incumbent: error AssertionError: <Relocation
#include "case.h"

static int zeroed[4];
static int initialised = 30;
static const int constants[] = { 0, 100, 200, 300, 400 };

mp_int_t run(mp_int_t x) {
    zeroed[x & 3] += x;
    mp_int_t result = constants[x] + initialised + zeroed[x & 3];
    zeroed[x & 3] = 0;
    return result;
}
