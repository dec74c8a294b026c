// Every function of the glue header that is not about types, called once.
#include "anymod/micropython.h"

void add_types(void); // types.c

// ints(n) -> small, negative, as wide as a word, unsigned
static mp_obj_t ints(mp_obj_t n_in) {
    mp_int_t n = mp_obj_get_int(n_in);
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(n), mp_obj_new_int(-n), mp_obj_new_int(INTPTR_MIN), mp_obj_new_int_from_uint(UINTPTR_MAX),
        mp_obj_new_int_from_uint(mp_obj_get_int_truncated(n_in)), mp_obj_new_bool(mp_obj_is_small_int(n_in)),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(ints_obj, ints);

static mp_obj_t half(mp_obj_t x) {
    return mp_obj_new_float(mp_obj_get_float(x) / 2);
}
static MP_DEFINE_CONST_FUN_OBJ_1(half_obj, half);

static mp_obj_t floats(void) {
    mp_obj_t items[2] = { mp_obj_new_float_from_f(0.5f), mp_obj_new_float_from_d(-2.25) };
    mp_obj_t sum = mp_obj_new_float_from_d((double)mp_obj_get_float_to_f(items[0]) + mp_obj_get_float_to_d(items[1]));
    mp_obj_t result[3] = { items[0], items[1], sum };
    return mp_obj_new_list(3, result);
}
static MP_DEFINE_CONST_FUN_OBJ_0(floats_obj, floats);

// kind(object) -> its type's name, as far as the header can tell
static mp_obj_t kind(mp_obj_t object) {
    const mp_obj_type_t *type = mp_obj_get_type(object);
    const char *name = type == &mp_type_str ? "str"
        : type == &mp_type_bytes            ? "bytes"
        : type == &mp_type_bytearray        ? "bytearray"
        : type == &mp_type_tuple            ? "tuple"
        : type == &mp_type_list             ? "list"
        : type == &mp_type_dict             ? "dict"
        : type == &mp_type_NoneType         ? "NoneType"
        : mp_obj_is_bool(object)            ? "bool"
        : mp_obj_is_int(object)             ? "int"
        : type == &mp_type_type             ? "type"
                                            : "other";
    return mp_obj_new_str_from_cstr(name);
}
static MP_DEFINE_CONST_FUN_OBJ_1(kind_obj, kind);

// upper(data) -> bytes, and the same bytearray in place
static mp_obj_t upper(mp_obj_t object) {
    mp_buffer_info_t buffer;
    if (mp_get_buffer(object, &buffer, MP_BUFFER_WRITE)) {
        for (size_t i = 0; i < buffer.len; i++) {
            ((byte *)buffer.buf)[i] &= 0xdf;
        }
        return object;
    }
    size_t len;
    const char *text = mp_obj_str_get_data(object, &len);
    byte *copy = m_new(byte, len);
    for (size_t i = 0; i < len; i++) {
        copy[i] = (byte)text[i] & 0xdf;
    }
    mp_obj_t result = mp_obj_new_bytes(copy, len);
    m_del(byte, copy, len);
    return result;
}
static MP_DEFINE_CONST_FUN_OBJ_1(upper_obj, upper);

// containers(a, b, c) -> the same in a tuple, list, dict and bytearray
static mp_obj_t containers(mp_obj_t a, mp_obj_t b, mp_obj_t c) {
    mp_obj_t items[3] = { a, b, c };
    mp_obj_t list = mp_obj_new_list(2, items);
    mp_obj_list_append(list, c);
    mp_obj_t dict = mp_obj_new_dict(0);
    mp_obj_dict_store(dict, a, b);
    mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(MP_QSTR_last_one), mp_obj_dict_get(dict, a));
    size_t n;
    mp_obj_t *found;
    mp_obj_get_array(list, &n, &found);
    mp_obj_get_array_fixed_n(list, 3, &found);
    mp_obj_subscr(list, MP_OBJ_NEW_SMALL_INT(0), found[2]);
    byte raw[3] = { 1, 2, (byte)n };
    mp_obj_t result[5] = { mp_obj_new_tuple(3, items), list, dict, mp_obj_new_bytearray(3, raw),
        mp_obj_subscr(mp_obj_new_tuple(3, items), mp_obj_new_slice(MP_OBJ_NEW_SMALL_INT(1), mp_const_none, mp_const_none), MP_OBJ_SENTINEL) };
    return mp_obj_new_tuple(5, result);
}
static MP_DEFINE_CONST_FUN_OBJ_3(containers_obj, containers);

// total(iterable, start=0), in the interpreter's own arithmetic
static mp_obj_t total(size_t n_args, const mp_obj_t *args) {
    mp_obj_t sum = n_args > 1 ? args[1] : MP_OBJ_NEW_SMALL_INT(0);
    mp_obj_iter_buf_t iter;
    mp_iter_begin(&iter, args[0]);
    for (mp_obj_t item; (item = mp_iter_next(&iter)) != MP_OBJ_STOP_ITERATION;) {
        sum = mp_binary_op(MP_BINARY_OP_ADD, sum, item);
    }
    return sum;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(total_obj, 1, 2, total);

// apply(function, *args), then a method and an operator of the result
static mp_obj_t apply(size_t n_args, const mp_obj_t *args) {
    mp_obj_t result = mp_call_function_n_kw(args[0], n_args - 1, 0, args + 1);
    mp_obj_t method[3];
    mp_load_method(result, MP_QSTR_startswith, method);
    method[2] = MP_OBJ_NEW_QSTR(MP_QSTR_ab);
    mp_obj_t items[] = {
        result, mp_call_method_n_kw(1, 0, method), mp_obj_len(result), mp_obj_new_bool(mp_obj_equal(result, args[1])),
        mp_unary_op(MP_UNARY_OP_NOT, result), mp_obj_new_bool(mp_obj_is_true(result)),
    };
    mp_load_method_maybe(result, MP_QSTR_no_such_method, method);
    if (method[0] != MP_OBJ_NULL) {
        mp_raise_msg(&mp_type_RuntimeError, "a method came from nowhere");
    }
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR(apply_obj, 2, apply);

// keywords(a, b=2, *, c=None, d=False) -> (a, b, c, d)
static mp_obj_t keywords(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    const mp_arg_t allowed[] = {
        { MP_QSTR_a, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_b, MP_ARG_INT, { .u_int = 2 } },
        { MP_QSTR_c, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_d, MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = false } },
    };
    mp_arg_val_t values[4];
    mp_arg_parse_all(n_args, args, kwargs, 4, allowed, values);
    mp_obj_t items[4] = { values[0].u_obj, mp_obj_new_int(values[1].u_int),
        values[2].u_obj == MP_OBJ_NULL ? mp_const_none : values[2].u_obj, mp_obj_new_bool(values[3].u_bool) };
    return mp_obj_new_tuple(4, items);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(keywords_obj, 1, keywords);

// fail(n): raises in the n-th way
static mp_obj_t fail(mp_obj_t n) {
    switch (mp_obj_get_int(n)) {
        case 0: mp_raise_ValueError("zero");
        case 1: mp_raise_TypeError("one");
        case 2: mp_raise_NotImplementedError("two");
        case 3: mp_raise_OSError(3);
        case 4: mp_raise_type_arg(&mp_type_KeyError, MP_OBJ_NEW_QSTR(MP_QSTR_four));
        case 5: mp_raise_msg(&mp_type_ZeroDivisionError, "five");
        case 6: nlr_raise(mp_call_function_0(MP_OBJ_FROM_PTR(&mp_type_EOFError)));
        case 7: mp_raise_msg_varg(&mp_type_IndexError, "%s and %d", "seven", -7);
        case 8: m_malloc((size_t)1 << 30);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(fail_obj, fail);

// memory() -> what grew and shrank
static mp_obj_t memory(void) {
    byte *block = m_new0(byte, 4);
    block[3] = 7;
    block = m_renew(byte, block, 4, 4000);
    block[3999] = block[3];
    block = m_renew(byte, block, 4000, 4);
    mp_obj_t result = mp_obj_new_bytearray_by_ref(4, block);
    return result;
}
static MP_DEFINE_CONST_FUN_OBJ_0(memory_obj, memory);

static mp_obj_t say(mp_obj_t name) {
    mp_printf(&mp_plat_print, "hello %s %d %x %c%%\n", mp_obj_str_get_str(name), -12, 0xabc, '!');
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(say_obj, say);

// imports(object) -> what sys knows, by names; leaves an attribute on the object
static mp_obj_t imports(mp_obj_t object) {
    mp_obj_t sys = mp_import_name(MP_QSTR_sys, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    mp_store_attr(object, MP_QSTR_glue_was_here, mp_const_true);
    mp_obj_t items[2] = { mp_import_from(sys, MP_QSTR_maxsize), mp_load_attr(sys, MP_QSTR_byteorder) };
    return mp_obj_new_tuple(2, items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(imports_obj, imports);

// array_sum(array, typecode as int): elements of any type
static mp_obj_t array_sum(mp_obj_t array) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(array, &buffer, MP_BUFFER_RW);
    size_t align, size = mp_binary_get_size('@', (char)buffer.typecode, &align);
    mp_obj_t sum = MP_OBJ_NEW_SMALL_INT(0);
    for (size_t i = 0; (i + 1) * size <= buffer.len; i++) {
        sum = mp_binary_op(MP_BINARY_OP_ADD, sum, mp_binary_get_val_array((char)buffer.typecode, buffer.buf, i));
    }
    mp_binary_set_val_array((char)buffer.typecode, buffer.buf, 0, sum);
    return sum;
}
static MP_DEFINE_CONST_FUN_OBJ_1(array_sum_obj, array_sum);

// A function with the interpreter's own calling convention.
static mp_obj_t count_args(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)self, (void)args;
    mp_obj_t items[2] = { MP_OBJ_NEW_SMALL_INT(n_args), MP_OBJ_NEW_SMALL_INT(n_kw) };
    return mp_obj_new_tuple(2, items);
}

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_ints, MP_OBJ_FROM_PTR(&ints_obj));
    mp_store_global(MP_QSTR_half, MP_OBJ_FROM_PTR(&half_obj));
    mp_store_global(MP_QSTR_floats, MP_OBJ_FROM_PTR(&floats_obj));
    mp_store_global(MP_QSTR_kind, MP_OBJ_FROM_PTR(&kind_obj));
    mp_store_global(MP_QSTR_upper, MP_OBJ_FROM_PTR(&upper_obj));
    mp_store_global(MP_QSTR_containers, MP_OBJ_FROM_PTR(&containers_obj));
    mp_store_global(MP_QSTR_total, MP_OBJ_FROM_PTR(&total_obj));
    mp_store_global(MP_QSTR_apply, MP_OBJ_FROM_PTR(&apply_obj));
    mp_store_global(MP_QSTR_keywords, MP_OBJ_FROM_PTR(&keywords_obj));
    mp_store_global(MP_QSTR_fail, MP_OBJ_FROM_PTR(&fail_obj));
    mp_store_global(MP_QSTR_memory, MP_OBJ_FROM_PTR(&memory_obj));
    mp_store_global(MP_QSTR_say, MP_OBJ_FROM_PTR(&say_obj));
    mp_store_global(MP_QSTR_imports, MP_OBJ_FROM_PTR(&imports_obj));
    mp_store_global(MP_QSTR_array_sum, MP_OBJ_FROM_PTR(&array_sum_obj));
    mp_store_global(MP_QSTR_count_args, MP_DYNRUNTIME_MAKE_FUNCTION(count_args));
#if defined(__arm__) && !defined(__ARM_PCS_VFP)
    mp_store_global(MP_QSTR_SOFT_FLOAT_CALLS, mp_const_true);
#else
    mp_store_global(MP_QSTR_SOFT_FLOAT_CALLS, mp_const_false);
#endif
    mp_store_global(MP_QSTR_VERSION, MP_OBJ_NEW_SMALL_INT(ANYMOD_MP_ABI));
    add_types();
    MP_DYNRUNTIME_INIT_EXIT
}
