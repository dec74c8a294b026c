// Calls across 5 MB of code, further than the incumbent's encoding of a Thumb branch reaches.
//# arch: x64 armv7m armv7emsp armv7emdp
//# test: run(3) == 36
//# incumbent(x64): runs
//# incumbent(arm): wrong
#include "case.h"

int far(int x);

mp_int_t run(mp_int_t x) {
    return far(x) + 3;
}
