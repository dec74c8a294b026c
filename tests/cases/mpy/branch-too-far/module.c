// A call across 17 MB: no Thumb branch reaches that.
//# arch: armv7m
//# compiler: gnu
//# ours: refuses L0302
#include "case.h"

int far(int x);

mp_int_t run(mp_int_t x) {
    return far(x) + 3;
}
