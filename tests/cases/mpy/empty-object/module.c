// An empty file, as an interrupted compiler leaves it.
//# arch: x64
//# compiler: gnu
//# make: : > empty.o
//# objects: module.o empty.o
//# ours: refuses L0012
//# incumbent: error Magic number does not match
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
