// Inline functions, a template and its static variable, defined in two files of C++.
//# arch: x64 x86 arm riscv
//# test: run(3) == 2037
//# incumbent: error duplicate symbol
#include "case.h"

int one(int x);
int two(void);

mp_int_t run(mp_int_t x) {
    int result = one(x);
    return result + two();
}
