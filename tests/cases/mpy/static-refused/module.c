// `--static-data refuse`: neither variables with values nor, where they are reached without the GOT, zeroed ones.
//# arch: x64 armv7m rv32imc
//# compiler: gnu
//# link: --static-data refuse
//# ours: refuses L0201 L0202
#include "case.h"

static int zeroed;
static int initialised = 4;

mp_int_t run(mp_int_t x) {
    zeroed += x;
    initialised += x;
    return zeroed + initialised;
}
