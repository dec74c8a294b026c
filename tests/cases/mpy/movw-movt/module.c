// The two halves of a distance in MOVW and MOVT, and a literal with a distance.
//# arch: armv7m armv7emsp armv7emdp
//# test: run(1) == 1234
//# incumbent: error AssertionError
#include "case.h"

int by_halves(void);

mp_int_t run(mp_int_t x) {
    return by_halves();
}
