#include "objects.h"

#include "system.h"

// ---------------------------------------------------------------------------------------------------------------------
// Strings with numbers

enum { FIRST_OWN_QSTR = 166, MAX_QSTRS = 1024 };

typedef struct {
    const char *text;
    size_t len;
} text_t;

static text_t own_qstrs[MAX_QSTRS];
static size_t own_qstr_count;

// The strings that have a number in every MicroPython, from 1: setup writes this file from the source package.
static const char *const static_qstrs[] = {
#include "static_qstrs.h"
};

static bool same(const char *a, size_t a_len, const char *b, size_t b_len) {
    size_t i = 0;
    while (i < a_len && a_len == b_len && a[i] == b[i]) {
        i++;
    }
    return i == a_len && a_len == b_len;
}

uint16_t intern(const char *text, size_t len) {
    for (size_t i = 0; i < own_qstr_count; i++) {
        if (same(text, len, own_qstrs[i].text, own_qstrs[i].len)) {
            return (uint16_t)(FIRST_OWN_QSTR + i);
        }
    }
    if (own_qstr_count == MAX_QSTRS) {
        fail("too many qstrs");
    }
    own_qstrs[own_qstr_count].text = text;
    own_qstrs[own_qstr_count].len = len;
    return (uint16_t)(FIRST_OWN_QSTR + own_qstr_count++);
}

static text_t text_of(qstr name) {
    if (name >= FIRST_OWN_QSTR && name - FIRST_OWN_QSTR < own_qstr_count) {
        return own_qstrs[name - FIRST_OWN_QSTR];
    }
    if (name == 0 || name > MP_ARRAY_SIZE(static_qstrs)) {
        fail("there is no qstr of a number");
    }
    return (text_t){ static_qstrs[name - 1], length(static_qstrs[name - 1]) };
}

// ---------------------------------------------------------------------------------------------------------------------
// Types and objects

#define TYPE(c_name) const mp_obj_type_t mp_type_##c_name = { .base = { &mp_type_type } }
TYPE(type);
TYPE(str);
TYPE(list);
TYPE(dict);
TYPE(fun_builtin_0);
TYPE(fun_builtin_1);
TYPE(fun_builtin_2);
TYPE(fun_builtin_3);
TYPE(fun_builtin_var);
TYPE(Exception);
#define OWN_TYPE(c_name) static const mp_obj_type_t type_##c_name = { .base = { &mp_type_type } }
OWN_TYPE(none);
OWN_TYPE(bool);
OWN_TYPE(int);
OWN_TYPE(float);
OWN_TYPE(bytes);
OWN_TYPE(bytearray);
OWN_TYPE(tuple);
OWN_TYPE(native);

typedef struct {
    mp_obj_base_t base;
    mp_int_t value;
} int_t;
typedef struct {
    mp_obj_base_t base;
    bool is_double;
    union {
        float f;
        double d;
    } value;
} number_t;
typedef struct {
    mp_obj_base_t base;
    size_t len;
    uint8_t *data;
} bytes_t;
typedef struct {
    mp_obj_base_t base;
    mp_call_fun_t code;
} native_t;

static const mp_obj_base_t none = { &type_none }, no = { &type_bool }, yes = { &type_bool };
static mp_obj_dict_t module_globals = { { &mp_type_dict }, { 0 } };

mp_obj_dict_t *globals(void) { return &module_globals; }
static mp_obj_t boolean(bool value) { return (mp_obj_t)(value ? &yes : &no); }

static void *make(size_t size, const mp_obj_type_t *type) {
    mp_obj_base_t *object = allocate(size);
    object->type = type;
    return object;
}

static bool is_qstr(mp_const_obj_t object) { return ((uintptr_t)object & 7) == 2; }

static const mp_obj_type_t *get_type(mp_const_obj_t object) {
    if (mp_obj_is_small_int(object)) {
        return &type_int;
    }
    if (is_qstr(object)) {
        return &mp_type_str;
    }
    return ((const mp_obj_base_t *)object)->type;
}

static NORETURN void raise_text(const char *type, size_t type_len, const char *message) {
    print_text("raised ", 7);
    print_text(type, type_len);
    print_text(": ", 2);
    print_text(message, length(message));
    print_text("\n", 1);
    end_program(1);
}
static NORETURN void raise_message(const mp_obj_type_t *type, const char *message) {
    text_t name = text_of(type->name);
    raise_text(name.text, name.len, message);
}
static NORETURN void type_error(const char *message) { raise_text("TypeError", 9, message); }

mp_obj_t new_int(mp_int_t value) {
    if (MP_OBJ_SMALL_INT_VALUE(MP_OBJ_NEW_SMALL_INT(value)) == value) {
        return MP_OBJ_NEW_SMALL_INT(value);
    }
    int_t *object = make(sizeof(*object), &type_int);
    object->value = value;
    return object;
}

static mp_int_t get_int(mp_const_obj_t object) {
    if (mp_obj_is_small_int(object)) {
        return MP_OBJ_SMALL_INT_VALUE(object);
    }
    if (object == &yes || object == &no) {
        return object == &yes;
    }
    if (get_type(object) != &type_int) {
        type_error("an int is expected");
    }
    return ((const int_t *)object)->value;
}

static mp_obj_t new_data(const mp_obj_type_t *type, const void *data, size_t len) {
    bytes_t *object = make(sizeof(*object), type);
    object->len = len;
    object->data = allocate(len + 1); // a NUL follows
    copy(object->data, data, len);
    return object;
}
mp_obj_t new_str(const char *data, size_t len) { return new_data(&mp_type_str, data, len); }
mp_obj_t new_bytes(const uint8_t *data, size_t len) { return new_data(&type_bytes, data, len); }
static mp_obj_t new_bytearray_by_ref(size_t len, void *data) {
    bytes_t *object = make(sizeof(*object), &type_bytearray);
    object->len = len;
    object->data = data;
    return object;
}

static bool get_buffer(mp_obj_t object, mp_buffer_info_t *info, mp_uint_t flags) {
    const mp_obj_type_t *type = get_type(object);
    info->typecode = 'B';
    if (is_qstr(object)) {
        text_t text = text_of((uintptr_t)object >> 3);
        info->buf = (void *)text.text;
        info->len = text.len;
        return true;
    }
    bool readable = type == &mp_type_str || type == &type_bytes || type == &type_bytearray;
    if (!readable || (flags & MP_BUFFER_WRITE && type != &type_bytearray)) {
        if (flags & MP_BUFFER_RAISE_IF_UNSUPPORTED) {
            type_error("an object with the buffer protocol is expected");
        }
        return false;
    }
    info->buf = ((bytes_t *)object)->data;
    info->len = ((bytes_t *)object)->len;
    return true;
}

static mp_obj_t new_tuple(size_t n, const mp_obj_t *items) {
    mp_obj_tuple_t *tuple = make(sizeof(*tuple) + n * sizeof(mp_obj_t), &type_tuple);
    tuple->len = n;
    if (items != NULL) {
        copy(tuple->items, items, n * sizeof(mp_obj_t));
    }
    return tuple;
}
static mp_obj_t new_list(size_t n, mp_obj_t *items) {
    mp_obj_list_t *list = make(sizeof(*list), &mp_type_list);
    list->alloc = n + 4;
    list->len = n;
    list->items = allocate(list->alloc * sizeof(mp_obj_t));
    if (items != NULL) {
        copy(list->items, items, n * sizeof(mp_obj_t));
    }
    return list;
}
static mp_obj_t list_append(mp_obj_t self, mp_obj_t item) {
    mp_obj_list_t *list = self;
    if (list->len == list->alloc) {
        mp_obj_t *items = allocate(2 * list->alloc * sizeof(mp_obj_t));
        copy(items, list->items, list->len * sizeof(mp_obj_t));
        list->items = items;
        list->alloc *= 2;
    }
    list->items[list->len++] = item;
    return (mp_obj_t)&none;
}

static bool equal(mp_obj_t a, mp_obj_t b) {
    mp_buffer_info_t left, right;
    if (a == b) {
        return true;
    }
    if (get_type(a) == &type_int && get_type(b) == &type_int) {
        return get_int(a) == get_int(b);
    }
    bool both_str = get_type(a) == &mp_type_str && get_type(b) == &mp_type_str;
    bool no_str = get_type(a) != &mp_type_str && get_type(b) != &mp_type_str;
    return (both_str || no_str) && get_buffer(a, &left, MP_BUFFER_READ) && get_buffer(b, &right, MP_BUFFER_READ) &&
        same(left.buf, left.len, right.buf, right.len);
}

static mp_map_elem_t *find(mp_obj_dict_t *dict, mp_obj_t key) {
    for (size_t i = 0; i < dict->map.used; i++) {
        if (equal(dict->map.table[i].key, key)) {
            return &dict->map.table[i];
        }
    }
    return NULL;
}
static mp_obj_t dict_store(mp_obj_t self, mp_obj_t key, mp_obj_t value) {
    mp_obj_dict_t *dict = self;
    mp_map_elem_t *found = find(dict, key);
    if (found == NULL) {
        if (dict->map.used == dict->map.alloc) {
            size_t more = 2 * dict->map.alloc + 4;
            mp_map_elem_t *table = allocate(more * sizeof(*table));
            copy(table, dict->map.table, dict->map.used * sizeof(*table));
            dict->map.table = table;
            dict->map.alloc = more;
        }
        found = &dict->map.table[dict->map.used++];
        found->key = key;
    }
    found->value = value;
    return self;
}
static mp_obj_t new_dict(size_t n) {
    (void)n;
    mp_obj_dict_t *dict = make(sizeof(*dict), &mp_type_dict);
    return dict;
}

static void array_of(mp_obj_t object, size_t *n, mp_obj_t **items) {
    if (get_type(object) == &type_tuple) {
        *n = ((mp_obj_tuple_t *)object)->len;
        *items = ((mp_obj_tuple_t *)object)->items;
    } else if (get_type(object) == &mp_type_list) {
        *n = ((mp_obj_list_t *)object)->len;
        *items = ((mp_obj_list_t *)object)->items;
    } else {
        type_error("a tuple or list is expected");
    }
}
static mp_obj_t subscr(mp_obj_t base, mp_obj_t index, mp_obj_t value) {
    size_t n;
    mp_obj_t *items;
    if (get_type(base) == &mp_type_dict) {
        if (value != MP_OBJ_SENTINEL) {
            return dict_store(base, index, value);
        }
        mp_map_elem_t *found = find(base, index);
        if (found == NULL) {
            raise_text("KeyError", 8, "no such key");
        }
        return found->value;
    }
    array_of(base, &n, &items);
    if ((size_t)get_int(index) >= n) {
        raise_text("IndexError", 10, "index out of range");
    }
    if (value != MP_OBJ_SENTINEL) {
        items[get_int(index)] = value;
    }
    return items[get_int(index)];
}

static mp_obj_t builtin_len(mp_obj_t object) {
    mp_buffer_info_t info;
    size_t n;
    mp_obj_t *items;
    if (get_type(object) == &mp_type_dict) {
        return new_int((mp_int_t)((mp_obj_dict_t *)object)->map.used);
    }
    if (get_buffer(object, &info, MP_BUFFER_READ)) {
        return new_int((mp_int_t)info.len);
    }
    array_of(object, &n, &items);
    return new_int((mp_int_t)n);
}
static const mp_obj_fun_builtin_fixed_t builtin_len_obj = { { &mp_type_fun_builtin_1 }, { ._1 = builtin_len } };

// ---------------------------------------------------------------------------------------------------------------------
// Names and calls

static mp_obj_t qstr_object(qstr name) { return (mp_obj_t)(name << 3 | 2); }

static void store_global(qstr name, mp_obj_t value) { dict_store(&module_globals, qstr_object(name), value); }

// Built-in names: len, and otherwise types, which is what modules look up.
static mp_obj_t load_global(qstr name) {
    static mp_obj_dict_t types = { { &mp_type_dict }, { 0 } };
    mp_map_elem_t *found = find(&module_globals, qstr_object(name));
    if (found != NULL) {
        return found->value;
    }
    if (name == MP_QSTR_len) {
        return (mp_obj_t)&builtin_len_obj;
    }
    if (name == MP_QSTR_bytearray) {
        return (mp_obj_t)&type_bytearray;
    }
    found = find(&types, qstr_object(name));
    if (found != NULL) {
        return found->value;
    }
    mp_obj_full_type_t *type = make(sizeof(*type), &mp_type_type);
    type->name = (uint16_t)name;
    dict_store(&types, qstr_object(name), type);
    return type;
}

mp_obj_t lookup(const char *name) {
    for (size_t i = 0; i < module_globals.map.used; i++) {
        text_t text = text_of((uintptr_t)module_globals.map.table[i].key >> 3);
        if (same(name, length(name), text.text, text.len)) {
            return module_globals.map.table[i].value;
        }
    }
    fail("the module has no such function");
}

static void check_count(size_t n_args, size_t n_kw, uint32_t sig) {
    if (n_args < sig >> 17 || n_args > (sig >> 1 & 0xffff) || (n_kw > 0 && !(sig & 1))) {
        type_error("wrong number of arguments");
    }
}

mp_obj_t call(mp_obj_t function, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    const mp_obj_type_t *type = get_type(function);
    const mp_obj_fun_builtin_fixed_t *fixed = function;
    const mp_obj_fun_builtin_var_t *var = function;
    const mp_obj_type_t *kinds[4] = { &mp_type_fun_builtin_0, &mp_type_fun_builtin_1, &mp_type_fun_builtin_2,
        &mp_type_fun_builtin_3 };
    for (size_t n = 0; n < 4; n++) {
        if (type == kinds[n]) {
            check_count(n_args, n_kw, MP_OBJ_FUN_MAKE_SIG(n, n, false));
        }
    }
    if (type == &mp_type_fun_builtin_0) {
        return fixed->fun._0();
    } else if (type == &mp_type_fun_builtin_1) {
        return fixed->fun._1(args[0]);
    } else if (type == &mp_type_fun_builtin_2) {
        return fixed->fun._2(args[0], args[1]);
    } else if (type == &mp_type_fun_builtin_3) {
        return fixed->fun._3(args[0], args[1], args[2]);
    } else if (type == &mp_type_fun_builtin_var) {
        check_count(n_args, n_kw, var->sig);
        if (var->sig & 1) {
            mp_map_t keywords = { 0 };
            keywords.used = keywords.alloc = n_kw;
            keywords.table = (mp_map_elem_t *)(args + n_args);
            return var->fun.kw(n_args, args, &keywords);
        }
        return var->fun.var(n_args, args);
    } else if (type == &type_native) {
        return ((const native_t *)function)->code(function, n_args, n_kw, args);
    } else if (type == &mp_type_type && MP_OBJ_TYPE_HAS_SLOT((const mp_obj_type_t *)function, make_new)) {
        const mp_obj_type_t *callee = function;
        return ((mp_make_new_fun_t)(uintptr_t)MP_OBJ_TYPE_GET_SLOT_OR_NULL(callee, make_new))(callee, n_args, n_kw, args);
    }
    type_error("the object cannot be called");
}
static mp_obj_t call_packed(mp_obj_t function, size_t counts, const mp_obj_t *args) {
    return call(function, counts & 0xff, counts >> 8 & 0xff, args);
}

static mp_obj_t make_function(const void *code, const mp_module_context_t *module, const mp_obj_t *defaults) {
    (void)module, (void)defaults;
    struct {
        uint8_t indicator[2], kind;
        bool is_generator;
        const void *data;
    } raw;
    copy(&raw, code, sizeof(raw));
    if (raw.indicator[0] != 0 || raw.indicator[1] != 0 || raw.kind != 4) {
        fail("a function is made of something else than native code");
    }
    native_t *function = make(sizeof(*function), &type_native);
    function->code = (mp_call_fun_t)(uintptr_t)raw.data;
    return function;
}

static void parse_arguments(size_t n_pos, const mp_obj_t *pos, mp_map_t *keywords, size_t n_allowed,
    const mp_arg_t *allowed, mp_arg_val_t *out) {
    size_t keywords_used = 0;
    for (size_t i = 0; i < n_allowed; i++) {
        mp_obj_dict_t given = { { &mp_type_dict }, *keywords };
        mp_map_elem_t *found = find(&given, qstr_object(allowed[i].qst));
        mp_obj_t value;
        if (i < n_pos && !(allowed[i].flags & MP_ARG_KW_ONLY)) {
            value = pos[i];
        } else if (found != NULL) {
            value = found->value;
            keywords_used++;
        } else if (allowed[i].flags & MP_ARG_REQUIRED) {
            type_error("an argument is missing");
        } else {
            out[i] = allowed[i].defval;
            continue;
        }
        switch (allowed[i].flags & 0xff) {
            case MP_ARG_BOOL: out[i].u_bool = value != &no && value != &none; break;
            case MP_ARG_INT: out[i].u_int = get_int(value); break;
            default: out[i].u_obj = value;
        }
    }
    if (n_pos > n_allowed || keywords_used < keywords->used) {
        type_error("an argument is not expected");
    }
}
static void parse_arguments_array(size_t n_pos, size_t n_kw, const mp_obj_t *args, size_t n_allowed,
    const mp_arg_t *allowed, mp_arg_val_t *out) {
    mp_map_t keywords = { 0 };
    keywords.used = keywords.alloc = n_kw;
    keywords.table = (mp_map_elem_t *)(args + n_pos);
    parse_arguments(n_pos, args, &keywords, n_allowed, allowed, out);
}

// ---------------------------------------------------------------------------------------------------------------------
// Conversions, operators, memory

enum { AS_OBJECT = 0 };

static mp_uint_t from_object(mp_obj_t object, mp_uint_t type) {
    mp_buffer_info_t info;
    switch (type & 0xf) {
        case AS_OBJECT: return (mp_uint_t)object;
        case MP_NATIVE_TYPE_BOOL: return object != &no && object != &none && object != MP_OBJ_NEW_SMALL_INT(0);
        case MP_NATIVE_TYPE_INT: case MP_NATIVE_TYPE_UINT: return (mp_uint_t)get_int(object);
        default: return get_buffer(object, &info, MP_BUFFER_READ) ? (mp_uint_t)info.buf : (mp_uint_t)get_int(object);
    }
}
static mp_obj_t to_object(mp_uint_t value, mp_uint_t type) {
    switch (type & 0xf) {
        case AS_OBJECT: return (mp_obj_t)value;
        case MP_NATIVE_TYPE_BOOL: return boolean(value != 0);
        case MP_NATIVE_TYPE_QSTR: return qstr_object(value);
        case MP_NATIVE_TYPE_UINT:
            if ((mp_int_t)value < 0) {
                fail("this host has no integers wider than a word");
            }
            return new_int((mp_int_t)value);
        default: return new_int((mp_int_t)value);
    }
}
static bool is_true(mp_obj_t object) { return from_object(object, MP_NATIVE_TYPE_BOOL) != 0; }

static mp_obj_t binary_op(mp_binary_op_t op, mp_obj_t left, mp_obj_t right) {
    if (op == MP_BINARY_OP_EQUAL || op == MP_BINARY_OP_NOT_EQUAL) {
        return boolean(equal(left, right) == (op == MP_BINARY_OP_EQUAL));
    }
    mp_int_t a = get_int(left), b = get_int(right);
    switch ((int)op) {
        case MP_BINARY_OP_LESS: return boolean(a < b);
        case MP_BINARY_OP_MORE: return boolean(a > b);
        case MP_BINARY_OP_LESS_EQUAL: return boolean(a <= b);
        case MP_BINARY_OP_MORE_EQUAL: return boolean(a >= b);
        case MP_BINARY_OP_OR: return new_int(a | b);
        case MP_BINARY_OP_XOR: return new_int(a ^ b);
        case MP_BINARY_OP_AND: return new_int(a & b);
        case MP_BINARY_OP_ADD: return new_int(a + b);
        case MP_BINARY_OP_SUBTRACT: return new_int(a - b);
        case MP_BINARY_OP_MULTIPLY: return new_int(a * b);
        default: fail("this host does not know the operator");
    }
}

static mp_obj_t new_float_from_f(float value) {
    number_t *object = make(sizeof(*object), &type_float);
    object->value.f = value;
    return object;
}
static mp_obj_t new_float_from_d(double value) {
    number_t *object = make(sizeof(*object), &type_float);
    object->is_double = true;
    object->value.d = value;
    return object;
}
static number_t *get_float(mp_obj_t object, bool is_double) {
    if (get_type(object) != &type_float || ((number_t *)object)->is_double != is_double) {
        type_error("a float of the same width is expected");
    }
    return object;
}
static float get_float_to_f(mp_obj_t object) { return get_float(object, false)->value.f; }
static double get_float_to_d(mp_obj_t object) { return get_float(object, true)->value.d; }

// Blocks remember their size in front of them.
static void *reallocate(void *pointer, size_t size, bool allow_move) {
    if (size == 0) {
        return NULL;
    }
    size_t old = pointer == NULL ? 0 : ((size_t *)pointer)[-1];
    if (pointer != NULL && size <= old) {
        return pointer;
    }
    if (pointer != NULL && !allow_move) {
        return NULL;
    }
    uint8_t *block = (uint8_t *)allocate(size + 16) + 16;
    ((size_t *)block)[-1] = size;
    copy(block, pointer, old);
    return block;
}
static void *fill(void *to, int value, size_t count) {
    for (volatile uint8_t *byte = to; count > 0; count--) {
        *byte++ = (uint8_t)value;
    }
    return to;
}
static void *move(void *to, const void *from, size_t count) {
    if ((uintptr_t)to <= (uintptr_t)from) {
        copy(to, from, count);
    } else {
        while (count-- > 0) {
            ((volatile uint8_t *)to)[count] = ((const uint8_t *)from)[count];
        }
    }
    return to;
}

static mp_obj_dict_t *swap_globals(mp_obj_dict_t *to) { return to; }
static void raise_object(mp_obj_t object) {
    if (get_type(object) == &mp_type_type) {
        raise_message(object, "");
    }
    print_text("raised ", 7);
    print_repr(object);
    print_text("\n", 1);
    end_program(1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Printing. There is no division in it, because not every processor here can.

static void print_digits(mp_uint_t value) {
    static const mp_uint_t powers[] = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
#if UINTPTR_MAX > 0xffffffff
        10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
        10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000u,
#endif
    };
    int place = (int)MP_ARRAY_SIZE(powers) - 1;
    while (place > 0 && powers[place] > value) {
        place--;
    }
    for (; place >= 0; place--) {
        char digit = '0';
        for (; value >= powers[place]; value -= powers[place]) {
            digit++;
        }
        print_text(&digit, 1);
    }
}
static void print_hex(mp_uint_t value, int digits) {
    for (int i = digits - 1; i >= 0; i--) {
        print_text(&"0123456789abcdef"[value >> (4 * i) & 15], 1);
    }
}
static void print_int(mp_int_t value) {
    if (value < 0) {
        print_text("-", 1);
    }
    print_digits(value < 0 ? -(mp_uint_t)value : (mp_uint_t)value);
}

static int print_formatted(const mp_print_t *print, const char *format, va_list args) {
    (void)print;
    for (; *format != 0; format++) {
        if (*format != '%') {
            print_text(format, 1);
            continue;
        }
        bool is_long = false;
        format++;
        while (*format == 'l' || *format == 'z') {
            is_long = true;
            format++;
        }
        text_t text;
        char character;
        switch (*format) {
            case 'd': print_int(is_long ? va_arg(args, long) : va_arg(args, int)); break;
            case 'u': print_digits(is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned)); break;
            case 'x': print_hex(is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned), is_long ? (int)sizeof(long) * 2 : 8); break;
            case 'p': print_hex((mp_uint_t)va_arg(args, void *), sizeof(void *) * 2); break;
            case 's': text.text = va_arg(args, const char *); print_text(text.text, length(text.text)); break;
            case 'q': text = text_of((qstr)va_arg(args, unsigned)); print_text(text.text, text.len); break;
            case 'c': character = (char)va_arg(args, int); print_text(&character, 1); break;
            case '%': print_text("%", 1); break;
            default: fail("this host does not know the format of a printf");
        }
    }
    return 0;
}
static int print_format(const mp_print_t *print, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int count = print_formatted(print, format, args);
    va_end(args);
    return count;
}
static void print_strn(void *data, const char *text, size_t len) {
    (void)data;
    print_text(text, len);
}
static const mp_print_t standard_output = { NULL, print_strn };

static void print_data(mp_obj_t object) {
    mp_buffer_info_t info;
    get_buffer(object, &info, MP_BUFFER_READ);
    print_text("'", 1);
    for (size_t i = 0; i < info.len; i++) {
        uint8_t byte = ((const uint8_t *)info.buf)[i];
        if (byte >= ' ' && byte < 0x7f && byte != '\'' && byte != '\\') {
            print_text((const char *)&byte, 1);
        } else {
            print_text("\\x", 2);
            print_hex(byte, 2);
        }
    }
    print_text("'", 1);
}
static void print_items(const char *open, size_t n, const mp_obj_t *items, const char *close) {
    print_text(open, 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            print_text(", ", 2);
        }
        print_repr(items[i]);
    }
    if (n == 1 && close[0] == ')') {
        print_text(",", 1);
    }
    print_text(close, 1);
}

void print_repr(mp_obj_t object) {
    const mp_obj_type_t *type = get_type(object);
    size_t n;
    mp_obj_t *items;
    if (object == &none) {
        print_text("None", 4);
    } else if (object == &yes) {
        print_text("True", 4);
    } else if (object == &no) {
        print_text("False", 5);
    } else if (type == &type_int) {
        print_int(get_int(object));
    } else if (type == &type_float) { // its bits, which need no arithmetic
        number_t *number = object;
        const uint32_t *words = (const uint32_t *)&number->value;
        print_text("float 0x", 8);
        if (number->is_double) {
            print_hex(words[1], 8);
        }
        print_hex(words[0], 8);
    } else if (type == &mp_type_str) {
        print_data(object);
    } else if (type == &type_bytes || type == &type_bytearray) {
        print_text(type == &type_bytes ? "b" : "bytearray b", type == &type_bytes ? 1 : 11);
        print_data(object);
    } else if (type == &type_tuple || type == &mp_type_list) {
        array_of(object, &n, &items);
        print_items(type == &type_tuple ? "(" : "[", n, items, type == &type_tuple ? ")" : "]");
    } else if (type == &mp_type_dict) {
        mp_obj_dict_t *dict = object;
        print_text("{", 1);
        for (size_t i = 0; i < dict->map.used; i++) {
            print_text(", ", i > 0 ? 2 : 0);
            print_repr(dict->map.table[i].key);
            print_text(": ", 2);
            print_repr(dict->map.table[i].value);
        }
        print_text("}", 1);
    } else {
        print_text("an object", 9);
    }
}

void print_names(void) {
    for (size_t i = 0; i < module_globals.map.used; i++) {
        text_t text = text_of((uintptr_t)module_globals.map.table[i].key >> 3);
        print_text(text.text, text.len);
        print_text("\n", 1);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The table

// An entry that this host does not have ends the program with its number.
static void missing(int number) {
    print_text("loader: mp_fun_table entry ", 27);
    print_int(number);
    print_text(" is not provided\n", 17);
    end_program(70);
}
#define MISSING(n) static void missing_##n(void) { missing(n); }
#define MISSING_TEN(t) MISSING(t##0) MISSING(t##1) MISSING(t##2) MISSING(t##3) MISSING(t##4) \
    MISSING(t##5) MISSING(t##6) MISSING(t##7) MISSING(t##8) MISSING(t##9)
MISSING_TEN() MISSING_TEN(1) MISSING_TEN(2) MISSING_TEN(3) MISSING_TEN(4) MISSING_TEN(5) MISSING_TEN(6) MISSING_TEN(7)
#define REFER_TEN(t) missing_##t##0, missing_##t##1, missing_##t##2, missing_##t##3, missing_##t##4, \
    missing_##t##5, missing_##t##6, missing_##t##7, missing_##t##8, missing_##t##9,
static void (*const missing_entries[80])(void) = {
    REFER_TEN() REFER_TEN(1) REFER_TEN(2) REFER_TEN(3) REFER_TEN(4) REFER_TEN(5) REFER_TEN(6) REFER_TEN(7)
};

static const mp_obj_fun_builtin_var_t no_stream = { { &mp_type_fun_builtin_var }, 0, { NULL } };

const void *fun_table[FUN_TABLE_ENTRIES] = {
    [0] = &none, [1] = &no, [2] = &yes, [3] = from_object, [4] = to_object, [5] = swap_globals, [6] = load_global,
    [7] = load_global, [12] = store_global, [13] = store_global, [15] = subscr, [16] = is_true, [18] = binary_op,
    [19] = new_tuple, [20] = new_list, [21] = new_dict, [24] = list_append, [25] = dict_store, [26] = make_function,
    [27] = call_packed, [34] = raise_object, [44] = check_count, [50] = fill, [51] = move, [52] = reallocate,
    [53] = print_format, [54] = print_formatted, [55] = raise_message, [56] = get_type, [57] = new_str,
    [58] = new_bytes, [59] = new_bytearray_by_ref, [60] = new_float_from_f, [61] = new_float_from_d,
    [62] = get_float_to_f, [63] = get_float_to_d, [65] = get_buffer, [67] = parse_arguments,
    [68] = parse_arguments_array, [72] = &standard_output,
    [73] = &mp_type_type, [74] = &mp_type_str, [75] = &mp_type_list, [76] = &mp_type_dict,
    [77] = &mp_type_fun_builtin_0, [78] = &mp_type_fun_builtin_1, [79] = &mp_type_fun_builtin_2,
    [80] = &mp_type_fun_builtin_3, [81] = &mp_type_fun_builtin_var, [82] = &mp_type_Exception,
    [83] = &no_stream, [84] = &no_stream, [85] = &no_stream, [86] = &no_stream,
};

void set_up_objects(void) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(missing_entries); i++) {
        if (fun_table[i] == NULL) {
            fun_table[i] = (const void *)(uintptr_t)missing_entries[i];
        }
    }
}
