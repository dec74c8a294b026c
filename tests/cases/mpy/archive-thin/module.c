// A thin archive holds names of files, not the files.
//# arch: x64
//# compiler: gnu
//# make: $AR rcT libthin.a other.o
//# objects: module.o
//# libraries: libthin.a
//# ours: refuses L0009
//# incumbent: error invalid
#include "case.h"

int other(int x);
mp_int_t run(mp_int_t x) {
    return other(x);
}
