// A weak symbol that nothing defines has the address 0.
//# test: run(4) == 4
//# incumbent: error AttributeError
#include "case.h"

extern int nowhere(int x) __attribute__((weak));
extern int nothing __attribute__((weak));

mp_int_t run(mp_int_t x) {
    if (nowhere) {
        return nowhere(x);
    }
    return &nothing ? nothing : x;
}
