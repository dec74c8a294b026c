// An archive in an archive, of which a member would be needed.
//# arch: x64
//# compiler: gnu
//# make: $AR rc libinner.a other.o && $AR rc libouter.a libinner.a
//# objects: module.o
//# libraries: libouter.a
//# ours: refuses L0010
//# incumbent: error Magic number
#include "case.h"

int other(int x);
mp_int_t run(mp_int_t x) {
    return other(x) + 1;
}
