// distance(from, to) for MicroPython.
#include "anymod/micropython.h"

#include "distance.h"

static mp_obj_t measure(mp_obj_t from_in, mp_obj_t to_in) {
    mp_buffer_info_t from, to;
    mp_get_buffer_raise(from_in, &from, MP_BUFFER_READ);
    mp_get_buffer_raise(to_in, &to, MP_BUFFER_READ);
    if (from.len > DISTANCE_LONGEST || to.len > DISTANCE_LONGEST) {
        mp_raise_ValueError(MP_ERROR_TEXT("too long"));
    }
    return mp_obj_new_int_from_uint(distance(from.buf, from.len, to.buf, to.len));
}
static MP_DEFINE_CONST_FUN_OBJ_2(measure_obj, measure);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_distance, MP_OBJ_FROM_PTR(&measure_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
