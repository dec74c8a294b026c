// Calls across 5 MB of code, further than the incumbent's encoding of a Thumb branch reaches.
//# arch: x64 arm
//# test: run(3) == 36
//# incumbent(x64): runs
//# incumbent(arm): wrong
//# compat(x64): same
//# compat(arm): refuses L0302
#include "case.h"

int far(int x);

mp_int_t run(mp_int_t x) {
    return far(x) + 3;
}
