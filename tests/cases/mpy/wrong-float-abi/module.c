// An object that passes floats in other registers than the module's architecture has it.
//# arch: armv7emsp
//# compiler: gnu
//# make: $CC -mfloat-abi=soft -x c -c $CASE/nine.txt -o nine.o
//# objects: module.o nine.o
//# ours: refuses L0014
//# incumbent: wrong
//# test: run(9) == 1
#include "case.h"

int is_nine(float x);
mp_int_t run(mp_int_t x) {
    return is_nine(x);
}
