// Native types: every slot that a module is likely to want, a stream and an exception.
#include "anymod/micropython.h"

void add_types(void);

// A range of bytes to count down: reads give them, iterating too, subscripts look, attributes tell.
typedef struct {
    mp_obj_base_t base;
    mp_int_t left;
} countdown_t;

static mp_obj_full_type_t countdown_type, error_type;

static countdown_t *countdown_of(mp_obj_t self) {
    return MP_OBJ_TO_PTR(mp_obj_cast_to_native_base(self, MP_OBJ_FROM_PTR(&countdown_type)));
}

static mp_obj_t make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    enum { FROM };
    const mp_arg_t allowed[] = { { MP_QSTR_count, MP_ARG_INT, { .u_int = 3 } } };
    mp_arg_val_t values[1];
    mp_arg_parse_all_kw_array(n_args, n_kw, args, 1, allowed, values);
    if (values[FROM].u_int < 0) {
        mp_raise_msg((const mp_obj_type_t *)&error_type, "cannot count down from below zero");
    }
    countdown_t *self = mp_obj_malloc(countdown_t, type);
    self->left = values[FROM].u_int;
    return MP_OBJ_FROM_PTR(self);
}

static void print(const mp_print_t *out, mp_obj_t self, mp_print_kind_t kind) {
    mp_printf(out, kind == PRINT_STR ? "%d left" : "Countdown(%d)", (int)countdown_of(self)->left);
}

static mp_obj_t call(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    countdown_of(self)->left += n_args == 0 ? 1 : mp_obj_get_int(args[0]);
    return self;
}

static mp_obj_t unary_op(mp_unary_op_t op, mp_obj_t self) {
    switch (op) {
        case MP_UNARY_OP_LEN: return mp_obj_new_int(countdown_of(self)->left);
        case MP_UNARY_OP_BOOL: return mp_obj_new_bool(countdown_of(self)->left != 0);
        default: return MP_OBJ_NULL;
    }
}

static mp_obj_t binary_op(mp_binary_op_t op, mp_obj_t left, mp_obj_t right) {
    if (op != MP_BINARY_OP_SUBTRACT || !mp_obj_is_int(right)) {
        return MP_OBJ_NULL;
    }
    mp_obj_t count = mp_obj_new_int(countdown_of(left)->left - mp_obj_get_int(right));
    return mp_call_function_1(MP_OBJ_FROM_PTR(&countdown_type), count);
}

static void attr(mp_obj_t self, qstr name, mp_obj_t *dest) {
    if (name != MP_QSTR_left) {
        dest[1] = MP_OBJ_SENTINEL; // go on in the locals dict
    } else if (dest[0] == MP_OBJ_NULL) {
        dest[0] = mp_obj_new_int(countdown_of(self)->left);
    } else if (dest[1] != MP_OBJ_NULL) {
        countdown_of(self)->left = mp_obj_get_int(dest[1]);
        dest[0] = MP_OBJ_NULL;
    }
}

static mp_obj_t subscr(mp_obj_t self, mp_obj_t index, mp_obj_t value) {
    if (value != MP_OBJ_SENTINEL) {
        return MP_OBJ_NULL;
    }
    mp_int_t place = mp_obj_get_int(index);
    if (place < 0 || place >= countdown_of(self)->left) {
        mp_raise_msg(&mp_type_IndexError, "out of range");
    }
    return mp_obj_new_int(countdown_of(self)->left - place);
}

static mp_obj_t iternext(mp_obj_t self) {
    countdown_t *countdown = countdown_of(self);
    return countdown->left == 0 ? MP_OBJ_STOP_ITERATION : mp_obj_new_int(countdown->left--);
}

static mp_uint_t read(mp_obj_t self, void *buf, mp_uint_t size, int *errcode) {
    (void)errcode;
    countdown_t *countdown = countdown_of(self);
    mp_uint_t count = 0;
    while (count < size && countdown->left > 0) {
        ((byte *)buf)[count++] = (byte)countdown->left--;
    }
    return count;
}

static mp_uint_t write(mp_obj_t self, const void *buf, mp_uint_t size, int *errcode) {
    (void)buf;
    if (size > 4) {
        *errcode = 28; // ENOSPC
        return MP_STREAM_ERROR;
    }
    countdown_of(self)->left += (mp_int_t)size;
    return size;
}

static mp_uint_t ioctl(mp_obj_t self, mp_uint_t request, uintptr_t arg, int *errcode) {
    (void)self, (void)request, (void)arg;
    *errcode = 22; // EINVAL
    return MP_STREAM_ERROR;
}

static mp_obj_t reset(mp_obj_t self) {
    const mp_stream_p_t *stream = mp_get_stream_raise(self, MP_STREAM_OP_READ | MP_STREAM_OP_WRITE);
    byte drain[8];
    int errcode;
    while (stream->read(self, drain, sizeof(drain), &errcode) != 0) {
    }
    return self;
}
static MP_DEFINE_CONST_FUN_OBJ_1(reset_obj, reset);

static mp_stream_p_t stream;
static mp_map_elem_t names[5];
static MP_DEFINE_CONST_DICT(locals, names);

void add_types(void) {
    stream.read = read;
    stream.write = write;
    stream.ioctl = ioctl;
    names[0] = (mp_map_elem_t){ MP_OBJ_NEW_QSTR(MP_QSTR_reset), MP_OBJ_FROM_PTR(&reset_obj) };
    names[1] = (mp_map_elem_t){ MP_OBJ_NEW_QSTR(MP_QSTR_read), MP_OBJ_FROM_PTR(&mp_stream_read_obj) };
    names[2] = (mp_map_elem_t){ MP_OBJ_NEW_QSTR(MP_QSTR_readinto), MP_OBJ_FROM_PTR(&mp_stream_readinto_obj) };
    names[3] = (mp_map_elem_t){ MP_OBJ_NEW_QSTR(MP_QSTR_readline), MP_OBJ_FROM_PTR(&mp_stream_unbuffered_readline_obj) };
    names[4] = (mp_map_elem_t){ MP_OBJ_NEW_QSTR(MP_QSTR_write), MP_OBJ_FROM_PTR(&mp_stream_write_obj) };

    mp_obj_exception_init(&error_type, MP_QSTR_CountdownError, &mp_type_Exception);
    mp_store_global(MP_QSTR_CountdownError, MP_OBJ_FROM_PTR(&error_type));

    countdown_type.base.type = &mp_type_type;
    countdown_type.flags = MP_TYPE_FLAG_ITER_IS_ITERNEXT;
    countdown_type.name = MP_QSTR_Countdown;
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, make_new, make_new, 0);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, print, print, 1);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, call, call, 2);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, unary_op, unary_op, 3);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, binary_op, binary_op, 4);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, attr, attr, 5);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, subscr, subscr, 6);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, iter, iternext, 7);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, protocol, &stream, 8);
    MP_OBJ_TYPE_SET_SLOT(&countdown_type, locals_dict, &locals, 9);
    mp_store_global(MP_QSTR_Countdown, MP_OBJ_FROM_PTR(&countdown_type));
}
