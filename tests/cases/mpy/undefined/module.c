// Every undefined symbol is told at once, each with the first place that needs it.
//# arch: x64
//# compiler: gnu
//# ours: refuses L0101
//# incumbent: error undefined symbol
#include "case.h"

int gone(int x);
extern int missing;
void *malloc(size_t size);
int mp_obj_get_intt(int x);

mp_int_t run(mp_int_t x) {
    return gone(x) + missing + (malloc(x) != 0) + mp_obj_get_intt(x) + gone(2);
}
