// A finished program in the place of an object.
//# arch: x64
//# compiler: gnu
//# make: printf 'int main(void) { return 0; }' | gcc -x c - -o program.o
//# objects: module.o program.o
//# ours: refuses L0006
#include "case.h"

mp_int_t run(mp_int_t x) {
    return x;
}
