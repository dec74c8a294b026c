// Tentative definitions of one variable in two files.
//# cflags: -fcommon
//# test: run(5) == 16
//# incumbent: error AttributeError
#include "case.h"

int shared;
long long aligned;
int add(int x);

mp_int_t run(mp_int_t x) {
    shared = x;
    aligned = 1;
    return add(10) + aligned;
}
