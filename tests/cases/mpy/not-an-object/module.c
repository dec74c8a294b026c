// A source in the place of an object.
//# arch: x64
//# compiler: gnu
//# make: cp $CASE/module.c text.o
//# objects: module.o text.o
//# ours: refuses L0001
//# incumbent: error Magic number does not match
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
