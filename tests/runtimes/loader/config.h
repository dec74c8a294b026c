// What a module's generated header gives: here for the host itself, which has no qstrs of its own in its sources.
#include <stdint.h>
typedef uintptr_t mp_uint_t;
typedef intptr_t mp_int_t;
typedef uintptr_t mp_off_t;
// The qstrs that the glue header mentions, with the numbers that every MicroPython gives them.
#define MP_QSTR_EOFError 35
#define MP_QSTR_IndexError 39
#define MP_QSTR_KeyError 41
#define MP_QSTR_MemoryError 44
#define MP_QSTR_NotImplementedError 47
#define MP_QSTR_OSError 48
#define MP_QSTR_OverflowError 49
#define MP_QSTR_RuntimeError 50
#define MP_QSTR_TypeError 54
#define MP_QSTR_ValueError 55
#define MP_QSTR_ZeroDivisionError 56
#define MP_QSTR_bytearray 64
#define MP_QSTR_len 107
