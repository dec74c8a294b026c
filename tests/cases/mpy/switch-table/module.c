// A switch whose targets are in a table: of addresses, of distances or of bytes, as compilers like it.
//# test: run(0) == 17
//# test: run(5) == 1005
//# test: run(9) == 3
//# test: run(11) == 0
//# libraries(armv6m gnu): libgcc
//# incumbent: runs
//# cflags(xtensa): -mno-force-l32
#include "case.h"

int other(int x);

mp_int_t run(mp_int_t x) {
    switch (x) {
        case 0: return other(17);
        case 1: return x + 4;
        case 2: return other(x) * 7;
        case 3: return x << 4;
        case 4: return other(4) - x;
        case 5: return other(x) + 1000;
        case 6: return x / 3;
        case 7: return other(other(2));
        case 8: return -x;
        case 9: return 3;
        default: return 0;
    }
}
