// Bits in opposite order, and two kinds of variables: one that starts with a value and some that start at zero.
#include "anymod/micropython.h"

uint32_t reverse32(uint32_t value); // reverse.S

static uint32_t limit = 1000000;  // .data
static uint32_t calls;            // .bss
static uint32_t seen[32];         // .bss: how often the highest bit of a value was at each place

static void count(uint32_t value) {
    if (calls < limit) {
        calls++;
        for (int place = 31; place >= 0; place--) {
            if (value >> place & 1) {
                seen[place]++;
                return;
            }
        }
    }
}

// reverse(value) -> the lower 32 bits of value in opposite order
static mp_obj_t reverse(mp_obj_t value_in) {
    uint32_t value = (uint32_t)mp_obj_get_int_truncated(value_in);
    count(value);
    return mp_obj_new_int_from_uint(reverse32(value));
}
static MP_DEFINE_CONST_FUN_OBJ_1(reverse_obj, reverse);

// reverse_bytes(buffer): the bits inside each byte, in place
static mp_obj_t reverse_bytes(mp_obj_t object) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_RW);
    for (size_t i = 0; i < buffer.len; i++) {
        uint8_t *byte = (uint8_t *)buffer.buf + i;
        *byte = (uint8_t)(reverse32(*byte) >> 24);
    }
    return object;
}
static MP_DEFINE_CONST_FUN_OBJ_1(reverse_bytes_obj, reverse_bytes);

// statistics(limit=None) -> (calls, values by their highest bit); sets the limit if there is one
static mp_obj_t statistics(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        limit = (uint32_t)mp_obj_get_int_truncated(args[0]);
    }
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t place = 0; place < MP_ARRAY_SIZE(seen); place++) {
        mp_obj_list_append(list, mp_obj_new_int_from_uint(seen[place]));
    }
    mp_obj_t result[2] = { mp_obj_new_int_from_uint(calls), list };
    return mp_obj_new_tuple(2, result);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(statistics_obj, 0, 1, statistics);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_reverse, MP_OBJ_FROM_PTR(&reverse_obj));
    mp_store_global(MP_QSTR_reverse_bytes, MP_OBJ_FROM_PTR(&reverse_bytes_obj));
    mp_store_global(MP_QSTR_statistics, MP_OBJ_FROM_PTR(&statistics_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
