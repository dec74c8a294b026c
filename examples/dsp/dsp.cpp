// The Python side: dsp.sin(angle), dsp.mul(a, b) and the type dsp.Fir.
#include "anymod/micropython.h"
#include "fixed.hpp"

using fixed::Q15;
using Filter = fixed::Fir<Q15, 64>;

namespace {

// Filled by its constructor, which runs when the module is imported, before mpy_init.
fixed::QuarterSine<64> sine;
mp_int_t filters_made = 0;

Q15 number_from(mp_obj_t object) {
    mp_int_t value = mp_obj_get_int(object);
    if (value < Q15::lowest || value > Q15::highest) {
        mp_raise_ValueError("a Q15 number is from -32768 to 32767");
    }
    return Q15::raw(value);
}

mp_obj_t sin(mp_obj_t angle) {
    return MP_OBJ_NEW_SMALL_INT(sine(static_cast<uint16_t>(mp_obj_get_int(angle))).raw());
}
MP_DEFINE_CONST_FUN_OBJ_1(sin_obj, sin);

mp_obj_t mul(mp_obj_t a, mp_obj_t b) {
    return MP_OBJ_NEW_SMALL_INT((number_from(a) * number_from(b)).raw());
}
MP_DEFINE_CONST_FUN_OBJ_2(mul_obj, mul);

mp_obj_t made() {
    return MP_OBJ_NEW_SMALL_INT(filters_made);
}
MP_DEFINE_CONST_FUN_OBJ_0(made_obj, made);

struct FirObject {
    mp_obj_base_t base;
    Filter filter;
};

mp_obj_full_type_t fir_type;

FirObject *self_of(mp_obj_t self) {
    return static_cast<FirObject *>(MP_OBJ_TO_PTR(self));
}

// Fir(taps): up to 64 Q15 numbers, from any iterable.
mp_obj_t fir_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    FirObject *self = mp_obj_malloc(FirObject, type);
    self->filter = Filter();
    mp_obj_iter_buf_t iter;
    mp_iter_begin(&iter, args[0]);
    for (mp_obj_t tap; (tap = mp_iter_next(&iter)) != MP_OBJ_STOP_ITERATION;) {
        if (!self->filter.add_tap(number_from(tap))) {
            mp_raise_ValueError("a filter has at most 64 taps");
        }
    }
    if (self->filter.length() == 0) {
        mp_raise_ValueError("a filter has at least one tap");
    }
    filters_made++;
    return MP_OBJ_FROM_PTR(self);
}

// fir(sample) -> the filtered sample.
mp_obj_t fir_call(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    return MP_OBJ_NEW_SMALL_INT(self_of(self)->filter(number_from(args[0])).raw());
}

// fir.process(array("h")): filters samples in place.
mp_obj_t fir_process(mp_obj_t self, mp_obj_t samples) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(samples, &buffer, MP_BUFFER_RW);
    if (buffer.typecode != 'h') {
        mp_raise_TypeError("samples have to be an array of type 'h'");
    }
    int16_t *values = static_cast<int16_t *>(buffer.buf);
    for (size_t i = 0; i < buffer.len / sizeof(int16_t); i++) {
        values[i] = self_of(self)->filter(Q15::raw(values[i])).raw();
    }
    return samples;
}
MP_DEFINE_CONST_FUN_OBJ_2(fir_process_obj, fir_process);

mp_obj_t fir_reset(mp_obj_t self) {
    self_of(self)->filter.reset();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(fir_reset_obj, fir_reset);

// len(fir): the number of taps.
mp_obj_t fir_unary_op(mp_unary_op_t op, mp_obj_t self) {
    return op == MP_UNARY_OP_LEN ? MP_OBJ_NEW_SMALL_INT(self_of(self)->filter.length()) : MP_OBJ_NULL;
}

mp_map_elem_t fir_names[2];
MP_DEFINE_CONST_DICT(fir_locals, fir_names);

} // namespace

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    fir_type.base.type = &mp_type_type;
    fir_type.name = MP_QSTR_Fir;
    fir_names[0] = { MP_OBJ_NEW_QSTR(MP_QSTR_process), MP_OBJ_FROM_PTR(&fir_process_obj) };
    fir_names[1] = { MP_OBJ_NEW_QSTR(MP_QSTR_reset), MP_OBJ_FROM_PTR(&fir_reset_obj) };
    MP_OBJ_TYPE_SET_SLOT(&fir_type, make_new, fir_make_new, 0);
    MP_OBJ_TYPE_SET_SLOT(&fir_type, call, fir_call, 1);
    MP_OBJ_TYPE_SET_SLOT(&fir_type, unary_op, fir_unary_op, 2);
    MP_OBJ_TYPE_SET_SLOT(&fir_type, locals_dict, &fir_locals, 3);
    mp_store_global(MP_QSTR_Fir, MP_OBJ_FROM_PTR(&fir_type));
    mp_store_global(MP_QSTR_sin, MP_OBJ_FROM_PTR(&sin_obj));
    mp_store_global(MP_QSTR_mul, MP_OBJ_FROM_PTR(&mul_obj));
    mp_store_global(MP_QSTR_made, MP_OBJ_FROM_PTR(&made_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
