// Members that members need, from later and from earlier archives; members that nobody needs stay out.
//# test: run(3) == 3210
//# archive: libone.a = one.c unused.c
//# archive: libtwo.a = two.c three.c
//# cflags(xtensa): -mno-force-l32
//# incumbent: runs
#include "case.h"

int one(int x);

mp_int_t run(mp_int_t x) {
    return one(x) + 210;
}
