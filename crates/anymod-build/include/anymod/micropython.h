// What a native module needs of MicroPython, without a checkout of MicroPython.
//
// A native module reaches the interpreter through one table of function pointers, `mp_fun_table`, whose order is the
// native ABI. This header writes that table down and gives its entries the names that MicroPython's own C code uses, so
// that sources written for `py/dynruntime.h` compile here unless they need a private part of the interpreter.
//
// Facts, not code, come from py/nativeglue.h (order of the table), py/obj.h (layout of objects), py/runtime0.h (numbers
// of operators), py/stream.h and py/emitglue.h. It holds for object representations A and C, the ones in use: small
// integers have bit 0 set, pointers to objects have bits 0 and 1 clear, everything else is asked of the interpreter.
//
// Before the first include, the build defines
//   MP_CONFIGFILE       the generated header with the module's qstrs, in quotes or angle brackets
//   MICROPY_FLOAT_IMPL  1 for `float`, 2 for `double`; by default what the target's usual ports have
//   ANYMOD_MP_ABI       123 for MicroPython 1.23 and later (default), 122, 120 or 119 for 1.22, 1.20-1.21, 1.19
//
// A name `MP_QSTR_xyz` is the interned string "xyz" and may be used freely in the module's own sources.
#ifndef ANYMOD_MICROPYTHON_H
#define ANYMOD_MICROPYTHON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MP_CONFIGFILE
#error "MP_CONFIGFILE has to name the generated header with the module's qstrs; anymod build does that"
#endif
#include MP_CONFIGFILE // mp_int_t, mp_uint_t, mp_off_t, MP_QSTR_*

#ifndef ANYMOD_MP_ABI
#define ANYMOD_MP_ABI 123
#endif
#if ANYMOD_MP_ABI != 119 && ANYMOD_MP_ABI != 120 && ANYMOD_MP_ABI != 122 && ANYMOD_MP_ABI != 123
#error "ANYMOD_MP_ABI has to be 119, 120, 122 or 123"
#endif

#define MICROPY_FLOAT_IMPL_NONE 0
#define MICROPY_FLOAT_IMPL_FLOAT 1
#define MICROPY_FLOAT_IMPL_DOUBLE 2
#ifndef MICROPY_FLOAT_IMPL
// `double` where the usual ports compute with it: unix, and Cortex-M7 with a double precision unit.
#if defined(__x86_64__) || defined(__i386__) || (defined(__ARM_FP) && (__ARM_FP & 8)) \
    || (defined(__riscv) && __riscv_xlen == 64)
#define MICROPY_FLOAT_IMPL MICROPY_FLOAT_IMPL_DOUBLE
#else
#define MICROPY_FLOAT_IMPL MICROPY_FLOAT_IMPL_FLOAT
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifndef NORETURN
#define NORETURN __attribute__((noreturn))
#endif
#ifndef MP_NORETURN
#define MP_NORETURN NORETURN
#endif
#define MP_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MP_ERROR_TEXT(text) (text)

typedef unsigned char byte;
typedef unsigned int uint;
typedef size_t qstr;
typedef const char *mp_rom_error_text_t;

// ---------------------------------------------------------------------------------------------------------------------
// Objects

typedef void *mp_obj_t;
typedef const void *mp_const_obj_t;
typedef struct _mp_obj_type_t mp_obj_type_t;

// Every object that is not a small integer, a qstr or a constant begins with this.
typedef struct _mp_obj_base_t {
    const mp_obj_type_t *type;
} mp_obj_base_t;

#define MP_OBJ_NULL ((mp_obj_t)(uintptr_t)0)           // no object
#define MP_OBJ_STOP_ITERATION ((mp_obj_t)(uintptr_t)0) // what an iterator returns at its end
#define MP_OBJ_SENTINEL ((mp_obj_t)(uintptr_t)4)       // "load" where a value is expected, see mp_obj_subscr
#define MP_OBJ_TO_PTR(object) ((void *)(object))
#define MP_OBJ_FROM_PTR(pointer) ((mp_obj_t)(pointer))

// Small integers: a word's bits but one.
#define MP_OBJ_NEW_SMALL_INT(value) ((mp_obj_t)((((mp_uint_t)(value)) << 1) | 1))
#define MP_OBJ_SMALL_INT_VALUE(object) (((mp_int_t)(object)) >> 1)
static inline bool mp_obj_is_small_int(mp_const_obj_t object) {
    return ((mp_uint_t)object & 1) != 0;
}
// True for a pointer to an object in memory.
static inline bool mp_obj_is_obj(mp_const_obj_t object) {
    return ((mp_uint_t)object & 3) == 0;
}

// Layouts of the built-in types that a module may look into.
typedef struct _mp_obj_tuple_t {
    mp_obj_base_t base;
    size_t len;
    mp_obj_t items[];
} mp_obj_tuple_t;
typedef struct _mp_obj_list_t {
    mp_obj_base_t base;
    size_t alloc;
    size_t len;
    mp_obj_t *items;
} mp_obj_list_t;
typedef struct _mp_map_elem_t {
    mp_obj_t key;
    mp_obj_t value;
} mp_map_elem_t;
typedef struct _mp_map_t {
    size_t all_keys_are_qstrs : 1;
    size_t is_fixed : 1;   // the table must not change
    size_t is_ordered : 1; // the table is an array to search from the front, not a hash table
    size_t used : 8 * sizeof(size_t) - 3;
    size_t alloc;
    mp_map_elem_t *table;
} mp_map_t;
typedef struct _mp_obj_dict_t {
    mp_obj_base_t base;
    mp_map_t map;
} mp_obj_dict_t;
typedef struct _mp_obj_slice_t {
    mp_obj_base_t base;
    mp_obj_t start, stop, step; // None where left out
} mp_obj_slice_t;
typedef struct _mp_obj_instance_t {
    mp_obj_base_t base;
    mp_map_t members;
    mp_obj_t subobj[]; // for a class derived from a native type: the native object
} mp_obj_instance_t;
typedef struct _mp_obj_iter_buf_t {
    mp_obj_base_t base;
    mp_obj_t buf[3];
} mp_obj_iter_buf_t;

// The module's own function object, which `mpy_init` receives.
typedef struct _mp_obj_module_t {
    mp_obj_base_t base;
    mp_obj_dict_t *globals;
} mp_obj_module_t;
typedef struct _mp_module_context_t {
    mp_obj_module_t module;
    uint16_t *qstr_table;
    mp_obj_t *obj_table;
} mp_module_context_t;
typedef struct _mp_obj_fun_bc_t {
    mp_obj_base_t base;
    const mp_module_context_t *context;
} mp_obj_fun_bc_t;

// Functions as objects.
typedef mp_obj_t (*mp_fun_0_t)(void);
typedef mp_obj_t (*mp_fun_1_t)(mp_obj_t);
typedef mp_obj_t (*mp_fun_2_t)(mp_obj_t, mp_obj_t);
typedef mp_obj_t (*mp_fun_3_t)(mp_obj_t, mp_obj_t, mp_obj_t);
typedef mp_obj_t (*mp_fun_var_t)(size_t n_args, const mp_obj_t *args);
typedef mp_obj_t (*mp_fun_kw_t)(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs);
typedef struct _mp_obj_fun_builtin_fixed_t {
    mp_obj_base_t base;
    union {
        mp_fun_0_t _0;
        mp_fun_1_t _1;
        mp_fun_2_t _2;
        mp_fun_3_t _3;
    } fun;
} mp_obj_fun_builtin_fixed_t;
typedef struct _mp_obj_fun_builtin_var_t {
    mp_obj_base_t base;
    uint32_t sig; // MP_OBJ_FUN_MAKE_SIG
    union {
        mp_fun_var_t var;
        mp_fun_kw_t kw;
    } fun;
} mp_obj_fun_builtin_var_t;

// The memory behind bytes, bytearray, array, memoryview and str.
typedef struct _mp_buffer_info_t {
    void *buf;    // may be NULL if len is 0
    size_t len;   // bytes
    int typecode; // as the struct module spells element types
} mp_buffer_info_t;
#define MP_BUFFER_READ 1
#define MP_BUFFER_WRITE 2
#define MP_BUFFER_RW (MP_BUFFER_READ | MP_BUFFER_WRITE)
#define MP_BUFFER_RAISE_IF_UNSUPPORTED 4

// Where mp_printf prints to.
typedef struct _mp_print_t {
    void *data;
    void (*print_strn)(void *data, const char *text, size_t len);
} mp_print_t;

// Arguments of a function with keywords, see mp_arg_parse_all.
typedef enum {
    MP_ARG_BOOL = 1,
    MP_ARG_INT = 2,
    MP_ARG_OBJ = 3,
    MP_ARG_REQUIRED = 0x100,
    MP_ARG_KW_ONLY = 0x200,
} mp_arg_flag_t;
typedef union _mp_arg_val_t {
    bool u_bool;
    mp_int_t u_int;
    mp_obj_t u_obj;
} mp_arg_val_t;
typedef struct _mp_arg_t {
    uint16_t qst;   // a qstr is no constant here: make the table a local variable, not a static one
    uint16_t flags; // mp_arg_flag_t
    mp_arg_val_t defval;
} mp_arg_t;

// Streams: what read, readinto, readline and write of a native type call. An error is MP_STREAM_ERROR and a number in
// *errcode.
typedef struct _mp_stream_p_t {
    mp_uint_t (*read)(mp_obj_t self, void *buf, mp_uint_t size, int *errcode);
    mp_uint_t (*write)(mp_obj_t self, const void *buf, mp_uint_t size, int *errcode);
    mp_uint_t (*ioctl)(mp_obj_t self, mp_uint_t request, uintptr_t arg, int *errcode);
    mp_uint_t is_text : 1; // reads give str instead of bytes
} mp_stream_p_t;
#define MP_STREAM_ERROR ((mp_uint_t)-1)
enum { MP_STREAM_OP_READ = 1, MP_STREAM_OP_WRITE = 2, MP_STREAM_OP_IOCTL = 4 };
enum { MP_STREAM_FLUSH = 1, MP_STREAM_SEEK = 2, MP_STREAM_POLL = 3, MP_STREAM_CLOSE = 4 };
enum { MP_STREAM_POLL_RD = 1, MP_STREAM_POLL_WR = 4, MP_STREAM_POLL_ERR = 8, MP_STREAM_POLL_HUP = 16 };

// Operators, for mp_unary_op, mp_binary_op and the slots of native types.
typedef enum {
    MP_UNARY_OP_POSITIVE, MP_UNARY_OP_NEGATIVE, MP_UNARY_OP_INVERT, MP_UNARY_OP_NOT,
    MP_UNARY_OP_BOOL, MP_UNARY_OP_LEN, MP_UNARY_OP_HASH, MP_UNARY_OP_ABS,
#if ANYMOD_MP_ABI >= 122
    MP_UNARY_OP_INT_MAYBE, MP_UNARY_OP_FLOAT_MAYBE, MP_UNARY_OP_COMPLEX_MAYBE, MP_UNARY_OP_SIZEOF,
#endif
} mp_unary_op_t;
typedef enum {
    MP_BINARY_OP_LESS, MP_BINARY_OP_MORE, MP_BINARY_OP_EQUAL, MP_BINARY_OP_LESS_EQUAL, MP_BINARY_OP_MORE_EQUAL,
    MP_BINARY_OP_NOT_EQUAL, MP_BINARY_OP_IN, MP_BINARY_OP_IS, MP_BINARY_OP_EXCEPTION_MATCH,
    MP_BINARY_OP_INPLACE_OR, MP_BINARY_OP_INPLACE_XOR, MP_BINARY_OP_INPLACE_AND, MP_BINARY_OP_INPLACE_LSHIFT,
    MP_BINARY_OP_INPLACE_RSHIFT, MP_BINARY_OP_INPLACE_ADD, MP_BINARY_OP_INPLACE_SUBTRACT,
    MP_BINARY_OP_INPLACE_MULTIPLY, MP_BINARY_OP_INPLACE_MAT_MULTIPLY, MP_BINARY_OP_INPLACE_FLOOR_DIVIDE,
    MP_BINARY_OP_INPLACE_TRUE_DIVIDE, MP_BINARY_OP_INPLACE_MODULO, MP_BINARY_OP_INPLACE_POWER,
    MP_BINARY_OP_OR, MP_BINARY_OP_XOR, MP_BINARY_OP_AND, MP_BINARY_OP_LSHIFT, MP_BINARY_OP_RSHIFT, MP_BINARY_OP_ADD,
    MP_BINARY_OP_SUBTRACT, MP_BINARY_OP_MULTIPLY, MP_BINARY_OP_MAT_MULTIPLY, MP_BINARY_OP_FLOOR_DIVIDE,
    MP_BINARY_OP_TRUE_DIVIDE, MP_BINARY_OP_MODULO, MP_BINARY_OP_POWER,
    MP_BINARY_OP_DIVMOD, MP_BINARY_OP_CONTAINS, // never written in a program: divmod() and a type's own `in`
} mp_binary_op_t;

// ---------------------------------------------------------------------------------------------------------------------
// Native types: a table of up to twelve slots. `slot_index_x` is one more than x's place in `slots`, 0 if it has none.
// Before 1.20 types had another layout, which this header does not have.

#if ANYMOD_MP_ABI >= 120
typedef enum { PRINT_STR = 0, PRINT_REPR = 1, PRINT_EXC = 2, PRINT_JSON = 3 } mp_print_kind_t;
typedef void (*mp_print_fun_t)(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind);
typedef mp_obj_t (*mp_make_new_fun_t)(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args);
typedef mp_obj_t (*mp_call_fun_t)(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args);
typedef mp_obj_t (*mp_unary_op_fun_t)(mp_unary_op_t op, mp_obj_t self); // MP_OBJ_NULL: not supported
typedef mp_obj_t (*mp_binary_op_fun_t)(mp_binary_op_t op, mp_obj_t left, mp_obj_t right);
// dest[0] is MP_OBJ_NULL to load: put the value there, or MP_OBJ_SENTINEL into dest[1] to go on in the locals dict.
// dest[0] is MP_OBJ_SENTINEL to store dest[1], or to delete if that is MP_OBJ_NULL: then set dest[0] to MP_OBJ_NULL.
typedef void (*mp_attr_fun_t)(mp_obj_t self, qstr attr, mp_obj_t *dest);
// value is MP_OBJ_SENTINEL to load, MP_OBJ_NULL to delete, else the value to store.
typedef mp_obj_t (*mp_subscr_fun_t)(mp_obj_t self, mp_obj_t index, mp_obj_t value);
typedef mp_obj_t (*mp_getiter_fun_t)(mp_obj_t self, mp_obj_iter_buf_t *iter_buf);
typedef mp_fun_1_t mp_iternext_fun_t;
typedef mp_int_t (*mp_buffer_fun_t)(mp_obj_t self, mp_buffer_info_t *bufinfo, mp_uint_t flags); // 0: done

#define MP_TYPE_FLAG_NONE 0x0000
#define MP_TYPE_FLAG_EQ_NOT_REFLEXIVE 0x0004
#define MP_TYPE_FLAG_EQ_CHECKS_OTHER_TYPE 0x0008
#define MP_TYPE_FLAG_EQ_HAS_NEQ_TEST 0x0010
#define MP_TYPE_FLAG_ITER_IS_GETITER 0x0000  // slot iter is a mp_getiter_fun_t
#define MP_TYPE_FLAG_ITER_IS_ITERNEXT 0x0080 // slot iter is a mp_iternext_fun_t, the object its own iterator
#define MP_TYPE_FLAG_ITER_IS_STREAM 0x0180   // iterating reads lines; slot iter stays empty

#define ANYMOD_TYPE_HEAD \
    mp_obj_base_t base; \
    uint16_t flags; \
    uint16_t name; /* a qstr: set it in mpy_init */ \
    uint8_t slot_index_make_new; \
    uint8_t slot_index_print; \
    uint8_t slot_index_call; \
    uint8_t slot_index_unary_op; \
    uint8_t slot_index_binary_op; \
    uint8_t slot_index_attr; \
    uint8_t slot_index_subscr; \
    uint8_t slot_index_iter; \
    uint8_t slot_index_buffer; \
    uint8_t slot_index_protocol; \
    uint8_t slot_index_parent; \
    uint8_t slot_index_locals_dict;
struct _mp_obj_type_t {
    ANYMOD_TYPE_HEAD
    const void *slots[];
};
// A type with room for every slot: what a module declares, as a static variable.
typedef struct _mp_obj_full_type_t {
    ANYMOD_TYPE_HEAD
    const void *slots[12];
} mp_obj_full_type_t;
#undef ANYMOD_TYPE_HEAD

// Fills a slot: MP_OBJ_TYPE_SET_SLOT(&type, make_new, function, 0) with places 0, 1, 2, ... in turn.
#define MP_OBJ_TYPE_SET_SLOT(type, slot, value, place) \
    ((type)->slot_index_##slot = (place) + 1, (type)->slots[(place)] = (const void *)(value))
#define MP_OBJ_TYPE_HAS_SLOT(type, slot) ((type)->slot_index_##slot != 0)
// A slot's value as a `const void *`, NULL if the type has none.
#define MP_OBJ_TYPE_GET_SLOT_OR_NULL(type, slot) \
    (MP_OBJ_TYPE_HAS_SLOT(type, slot) ? (type)->slots[(type)->slot_index_##slot - 1] : NULL)
#endif

// ---------------------------------------------------------------------------------------------------------------------
// The table. Its order is the ABI; entries that no C module can use are only counted.

typedef struct _mp_fun_table_t {
    mp_const_obj_t const_none; // 0
    mp_const_obj_t const_false;
    mp_const_obj_t const_true;
    mp_uint_t (*native_from_obj)(mp_obj_t object, mp_uint_t type);
    mp_obj_t (*native_to_obj)(mp_uint_t value, mp_uint_t type);
    mp_obj_dict_t *(*swap_globals)(mp_obj_dict_t *globals); // 5
    mp_obj_t (*load_name)(qstr name);
    mp_obj_t (*load_global)(qstr name);
    mp_obj_t (*load_build_class)(void);
    mp_obj_t (*load_attr)(mp_obj_t base, qstr attr);
    void (*load_method)(mp_obj_t base, qstr attr, mp_obj_t *dest); // 10
    void (*load_super_method)(qstr attr, mp_obj_t *dest);
    void (*store_name)(qstr name, mp_obj_t object);
    void (*store_global)(qstr name, mp_obj_t object);
    void (*store_attr)(mp_obj_t base, qstr attr, mp_obj_t value);
    mp_obj_t (*obj_subscr)(mp_obj_t base, mp_obj_t index, mp_obj_t value); // 15
    bool (*obj_is_true)(mp_obj_t object);
    mp_obj_t (*unary_op)(mp_unary_op_t op, mp_obj_t object);
    mp_obj_t (*binary_op)(mp_binary_op_t op, mp_obj_t left, mp_obj_t right);
    mp_obj_t (*new_tuple)(size_t n, const mp_obj_t *items);
    mp_obj_t (*new_list)(size_t n, mp_obj_t *items); // 20
    mp_obj_t (*new_dict)(size_t n);
    mp_obj_t (*new_set)(size_t n, mp_obj_t *items);
    void (*set_store)(mp_obj_t set, mp_obj_t item);
    mp_obj_t (*list_append)(mp_obj_t list, mp_obj_t item);
    mp_obj_t (*dict_store)(mp_obj_t dict, mp_obj_t key, mp_obj_t value); // 25
    mp_obj_t (*make_function)(const void *code, const mp_module_context_t *context, const mp_obj_t *defaults);
    mp_obj_t (*call_function_n_kw)(mp_obj_t fun, size_t n_args_kw, const mp_obj_t *args);
    mp_obj_t (*call_method_n_kw)(size_t n_args, size_t n_kw, const mp_obj_t *args);
    mp_obj_t (*call_method_n_kw_var)(bool have_self, size_t n_args_kw, const mp_obj_t *args);
    mp_obj_t (*getiter)(mp_obj_t object, mp_obj_iter_buf_t *iter); // 30
    mp_obj_t (*iternext)(mp_obj_iter_buf_t *iter);
    void *nlr_push;
    void *nlr_pop;
    void (*raise)(mp_obj_t exception);
    mp_obj_t (*import_name)(qstr name, mp_obj_t fromlist, mp_obj_t level); // 35
    mp_obj_t (*import_from)(mp_obj_t module, qstr name);
    void (*import_all)(mp_obj_t module);
    mp_obj_t (*new_slice)(mp_obj_t start, mp_obj_t stop, mp_obj_t step);
    void (*unpack_sequence)(mp_obj_t sequence, size_t n, mp_obj_t *items); // items come in reverse
    void (*unpack_ex)(mp_obj_t sequence, size_t n, mp_obj_t *items);       // 40
    void (*delete_name)(qstr name);
    void (*delete_global)(qstr name);
    mp_obj_t (*new_closure)(mp_obj_t fun, size_t n, const mp_obj_t *closed);
    void (*arg_check_num_sig)(size_t n_args, size_t n_kw, uint32_t sig);
    void *setup_code_state; // 45
    mp_int_t (*small_int_floor_divide)(mp_int_t dividend, mp_int_t divisor);
    mp_int_t (*small_int_modulo)(mp_int_t dividend, mp_int_t divisor);
    void *yield_from;
    void *setjmp_;
    void *(*memset_)(void *to, int value, size_t n); // 50
    void *(*memmove_)(void *to, const void *from, size_t n);
    void *(*realloc_)(void *pointer, size_t n, bool allow_move);
    int (*printf_)(const mp_print_t *print, const char *format, ...);
    int (*vprintf_)(const mp_print_t *print, const char *format, va_list args);
    NORETURN void (*raise_msg)(const mp_obj_type_t *type, mp_rom_error_text_t message); // 55
    const mp_obj_type_t *(*obj_get_type)(mp_const_obj_t object);
    mp_obj_t (*obj_new_str)(const char *data, size_t len);
    mp_obj_t (*obj_new_bytes)(const byte *data, size_t len);
    mp_obj_t (*obj_new_bytearray_by_ref)(size_t n, void *items);
    mp_obj_t (*obj_new_float_from_f)(float value); // 60
    mp_obj_t (*obj_new_float_from_d)(double value);
    float (*obj_get_float_to_f)(mp_obj_t object);
    double (*obj_get_float_to_d)(mp_obj_t object);
#if ANYMOD_MP_ABI >= 123
    void (*load_method_maybe)(mp_obj_t base, qstr attr, mp_obj_t *dest);
#endif
    bool (*get_buffer)(mp_obj_t object, mp_buffer_info_t *bufinfo, mp_uint_t flags);
    const mp_stream_p_t *(*get_stream_raise)(mp_obj_t self, int flags);
#if ANYMOD_MP_ABI >= 123
    void (*arg_parse_all)(size_t n_pos, const mp_obj_t *pos, mp_map_t *kws, size_t n_allowed, const mp_arg_t *allowed,
        mp_arg_val_t *out);
    void (*arg_parse_all_kw_array)(size_t n_pos, size_t n_kw, const mp_obj_t *args, size_t n_allowed,
        const mp_arg_t *allowed, mp_arg_val_t *out);
    size_t (*binary_get_size)(char struct_type, char val_type, size_t *align);
    mp_obj_t (*binary_get_val_array)(char typecode, void *items, size_t index);
    void (*binary_set_val_array)(char typecode, void *items, size_t index, mp_obj_t value);
#endif
    const mp_print_t *plat_print; // 72, before 1.23: 66
    // Objects follow. The linker knows these by their own names, declared below.
} mp_fun_table_t;

#if defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L)
#ifndef __cplusplus
#define static_assert _Static_assert
#endif
static_assert(offsetof(mp_fun_table_t, memset_) == 50 * sizeof(void *), "mp_fun_table is out of order");
static_assert(offsetof(mp_fun_table_t, plat_print) == (ANYMOD_MP_ABI >= 123 ? 72 : 66) * sizeof(void *),
    "mp_fun_table is out of order");
#endif

extern const mp_fun_table_t mp_fun_table;
#if ANYMOD_MP_ABI >= 120
extern const mp_obj_type_t mp_type_type, mp_type_str, mp_type_list, mp_type_dict;
extern const mp_obj_type_t mp_type_fun_builtin_0, mp_type_fun_builtin_1, mp_type_fun_builtin_2, mp_type_fun_builtin_3;
extern const mp_obj_type_t mp_type_fun_builtin_var;
#else
struct _mp_obj_type_t { mp_obj_base_t base; }; // only its address matters
extern const mp_obj_type_t mp_type_str, mp_type_list, mp_type_dict, mp_type_fun_builtin_0, mp_type_fun_builtin_1;
extern const mp_obj_type_t mp_type_fun_builtin_2, mp_type_fun_builtin_3, mp_type_fun_builtin_var;
#endif
// Methods for a stream type's locals dict.
extern const mp_obj_fun_builtin_var_t mp_stream_read_obj, mp_stream_readinto_obj, mp_stream_unbuffered_readline_obj;
extern const mp_obj_fun_builtin_var_t mp_stream_write_obj;

// Types that the table does not have: asked of an object of the type, or looked up by name, at each use.
#define mp_type_int (*mp_fun_table.obj_get_type(MP_OBJ_NEW_SMALL_INT(0)))
#define mp_type_bytes (*mp_fun_table.obj_get_type(mp_const_empty_bytes))
#define mp_type_bool (*mp_fun_table.obj_get_type(mp_fun_table.const_false))
#define mp_type_NoneType (*mp_fun_table.obj_get_type(mp_fun_table.const_none))
#define mp_type_tuple (*mp_fun_table.obj_get_type(mp_const_empty_tuple))
#define ANYMOD_TYPE(name) (*(const mp_obj_type_t *)mp_fun_table.load_global(MP_QSTR_##name))
#define mp_type_bytearray ANYMOD_TYPE(bytearray)
#define mp_type_EOFError ANYMOD_TYPE(EOFError)
#define mp_type_IndexError ANYMOD_TYPE(IndexError)
#define mp_type_KeyError ANYMOD_TYPE(KeyError)
#define mp_type_MemoryError ANYMOD_TYPE(MemoryError)
#define mp_type_NotImplementedError ANYMOD_TYPE(NotImplementedError)
#define mp_type_OSError ANYMOD_TYPE(OSError)
#define mp_type_OverflowError ANYMOD_TYPE(OverflowError)
#define mp_type_RuntimeError ANYMOD_TYPE(RuntimeError)
#define mp_type_TypeError ANYMOD_TYPE(TypeError)
#define mp_type_ValueError ANYMOD_TYPE(ValueError)
#define mp_type_ZeroDivisionError ANYMOD_TYPE(ZeroDivisionError)
#if ANYMOD_MP_ABI >= 123
extern const mp_obj_type_t mp_type_Exception;
#else
#define mp_type_Exception ANYMOD_TYPE(Exception)
#endif

// Kinds of native values, for native_from_obj and native_to_obj.
enum { MP_NATIVE_TYPE_BOOL = 1, MP_NATIVE_TYPE_INT = 2, MP_NATIVE_TYPE_UINT = 3, MP_NATIVE_TYPE_QSTR = 8 };

#define mp_const_none ((mp_obj_t)mp_fun_table.const_none)
#define mp_const_false ((mp_obj_t)mp_fun_table.const_false)
#define mp_const_true ((mp_obj_t)mp_fun_table.const_true)
#define mp_const_empty_tuple (mp_fun_table.new_tuple(0, NULL))
#define mp_const_empty_bytes (mp_fun_table.obj_new_bytes(NULL, 0))
#define MP_OBJ_NEW_QSTR(name) (mp_fun_table.native_to_obj((name), MP_NATIVE_TYPE_QSTR))

// ---------------------------------------------------------------------------------------------------------------------
// Raising. These do not return.

// Raises an exception object or type.
static inline NORETURN void nlr_raise(mp_obj_t exception) {
    mp_fun_table.raise(exception);
    for (;;) {
    }
}
// Raises with a message that must outlive the exception: a string literal.
static inline NORETURN void mp_raise_msg(const mp_obj_type_t *type, mp_rom_error_text_t message) {
    mp_fun_table.raise_msg(type, message);
    for (;;) { // the attribute of a function pointer is lost in C++
    }
}
static inline NORETURN void mp_raise_TypeError(mp_rom_error_text_t message) {
    mp_raise_msg(&mp_type_TypeError, message);
}
static inline NORETURN void mp_raise_ValueError(mp_rom_error_text_t message) {
    mp_raise_msg(&mp_type_ValueError, message);
}
static inline NORETURN void mp_raise_NotImplementedError(mp_rom_error_text_t message) {
    mp_raise_msg(&mp_type_NotImplementedError, message);
}
// Raises with one argument of any kind.
static inline NORETURN void mp_raise_type_arg(const mp_obj_type_t *type, mp_obj_t arg) {
    nlr_raise(mp_fun_table.call_function_n_kw(MP_OBJ_FROM_PTR(type), 1, &arg));
}
static inline NORETURN void mp_raise_OSError(int number) {
    mp_raise_type_arg(&mp_type_OSError, MP_OBJ_NEW_SMALL_INT(number));
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory: the interpreter's heap, collected. A block lives as long as something reachable points to its start: a Python
// object or a local variable. Never count on a static variable of the module to keep a block.

static inline void *m_realloc_maybe(void *pointer, size_t size, bool allow_move) {
    return mp_fun_table.realloc_(pointer, size, allow_move);
}
// Grows or shrinks a block; raises MemoryError.
static inline void *m_realloc(void *pointer, size_t size) {
    void *moved = mp_fun_table.realloc_(pointer, size, true);
    if (moved == NULL && size != 0) {
        mp_raise_msg(&mp_type_MemoryError, "memory allocation failed");
    }
    return moved;
}
// A new block, its contents undefined; raises MemoryError.
static inline void *m_malloc(size_t size) { return m_realloc(NULL, size); }
static inline void *m_malloc0(size_t size) { return mp_fun_table.memset_(m_malloc(size), 0, size); }
static inline void m_free(void *pointer) { mp_fun_table.realloc_(pointer, 0, false); }
#define m_new(type, n) ((type *)m_malloc(sizeof(type) * (n)))
#define m_new0(type, n) ((type *)m_malloc0(sizeof(type) * (n)))
#define m_renew(type, pointer, old_n, new_n) ((type *)m_realloc((pointer), sizeof(type) * (new_n)))
#define m_del(type, pointer, n) ((void)(n), m_free(pointer))

// An object of a native type: a struct that begins with `mp_obj_base_t base`.
static inline void *mp_obj_malloc_helper(size_t size, const mp_obj_type_t *type) {
    mp_obj_base_t *base = (mp_obj_base_t *)m_malloc(size);
    base->type = type;
    return base;
}
#define mp_obj_malloc(struct_type, obj_type) \
    ((struct_type *)mp_obj_malloc_helper(sizeof(struct_type), (const mp_obj_type_t *)(obj_type)))
#define mp_obj_malloc_var(struct_type, field, item_type, n, obj_type) \
    ((struct_type *)mp_obj_malloc_helper(offsetof(struct_type, field) + sizeof(item_type) * (n), \
        (const mp_obj_type_t *)(obj_type)))

// ---------------------------------------------------------------------------------------------------------------------
// Values

static inline const mp_obj_type_t *mp_obj_get_type(mp_const_obj_t object) { return mp_fun_table.obj_get_type(object); }
// True if an object is exactly of a type, not of one derived from it.
static inline bool mp_obj_is_type(mp_const_obj_t object, const mp_obj_type_t *type) {
    return mp_obj_get_type(object) == type;
}
static inline bool mp_obj_is_int(mp_const_obj_t object) {
    return mp_obj_is_small_int(object) || mp_obj_is_type(object, &mp_type_int);
}
static inline bool mp_obj_is_bool(mp_const_obj_t object) {
    return object == mp_fun_table.const_false || object == mp_fun_table.const_true;
}
static inline bool mp_obj_is_str(mp_const_obj_t object) { return mp_obj_is_type(object, &mp_type_str); }
static inline bool mp_obj_is_true(mp_obj_t object) { return mp_fun_table.obj_is_true(object); }
static inline mp_obj_t mp_obj_new_bool(bool value) { return value ? mp_const_true : mp_const_false; }

static inline mp_obj_t mp_obj_new_int(mp_int_t value) {
    return mp_fun_table.native_to_obj((mp_uint_t)value, MP_NATIVE_TYPE_INT);
}
static inline mp_obj_t mp_obj_new_int_from_uint(mp_uint_t value) {
    return mp_fun_table.native_to_obj(value, MP_NATIVE_TYPE_UINT);
}
// The low word of an integer: the interpreter offers native code no checked conversion. TypeError for other types.
static inline mp_int_t mp_obj_get_int(mp_obj_t object) {
    return (mp_int_t)mp_fun_table.native_from_obj(object, MP_NATIVE_TYPE_INT);
}
static inline mp_uint_t mp_obj_get_int_truncated(mp_obj_t object) {
    return mp_fun_table.native_from_obj(object, MP_NATIVE_TYPE_UINT);
}

// Floats in either width, whatever the interpreter computes with; mp_float_t is what the module was told it does.
static inline mp_obj_t mp_obj_new_float_from_f(float value) { return mp_fun_table.obj_new_float_from_f(value); }
static inline mp_obj_t mp_obj_new_float_from_d(double value) { return mp_fun_table.obj_new_float_from_d(value); }
static inline float mp_obj_get_float_to_f(mp_obj_t object) { return mp_fun_table.obj_get_float_to_f(object); }
static inline double mp_obj_get_float_to_d(mp_obj_t object) { return mp_fun_table.obj_get_float_to_d(object); }
#if MICROPY_FLOAT_IMPL == MICROPY_FLOAT_IMPL_DOUBLE
typedef double mp_float_t;
static inline mp_obj_t mp_obj_new_float(mp_float_t value) { return mp_obj_new_float_from_d(value); }
static inline mp_float_t mp_obj_get_float(mp_obj_t object) { return mp_obj_get_float_to_d(object); }
#elif MICROPY_FLOAT_IMPL == MICROPY_FLOAT_IMPL_FLOAT
typedef float mp_float_t;
static inline mp_obj_t mp_obj_new_float(mp_float_t value) { return mp_obj_new_float_from_f(value); }
static inline mp_float_t mp_obj_get_float(mp_obj_t object) { return mp_obj_get_float_to_f(object); }
#endif

// New strings and buffers copy their data. A str has to be UTF-8.
static inline mp_obj_t mp_obj_new_str(const char *data, size_t len) { return mp_fun_table.obj_new_str(data, len); }
static inline mp_obj_t mp_obj_new_str_from_cstr(const char *text) {
    const volatile char *end = text; // volatile, or compilers make a call of strlen from the loop
    size_t len = 0;
    while (end[len] != 0) {
        len++;
    }
    return mp_obj_new_str(text, len);
}
static inline mp_obj_t mp_obj_new_bytes(const byte *data, size_t len) { return mp_fun_table.obj_new_bytes(data, len); }
// A bytearray over memory that must stay: a block of m_malloc's.
static inline mp_obj_t mp_obj_new_bytearray_by_ref(size_t len, void *items) {
    return mp_fun_table.obj_new_bytearray_by_ref(len, items);
}
static inline mp_obj_t mp_obj_new_bytearray(size_t len, const void *items) {
    return mp_obj_new_bytearray_by_ref(len, mp_fun_table.memmove_(m_malloc(len), items, len));
}
// The memory behind an object, valid until the object changes its size. Flags: MP_BUFFER_READ, MP_BUFFER_WRITE or both.
static inline void mp_get_buffer_raise(mp_obj_t object, mp_buffer_info_t *bufinfo, mp_uint_t flags) {
    mp_fun_table.get_buffer(object, bufinfo, flags | MP_BUFFER_RAISE_IF_UNSUPPORTED);
}
#if ANYMOD_MP_ABI >= 120
// The same, false instead of TypeError for an object without such memory.
static inline bool mp_get_buffer(mp_obj_t object, mp_buffer_info_t *bufinfo, mp_uint_t flags) {
    return mp_fun_table.get_buffer(object, bufinfo, flags);
}
#endif
// The bytes of a str or buffer; a str's end with a NUL that is not counted.
static inline const char *mp_obj_str_get_data(mp_obj_t object, size_t *len) {
    mp_buffer_info_t bufinfo;
    mp_get_buffer_raise(object, &bufinfo, MP_BUFFER_READ);
    *len = bufinfo.len;
    return (const char *)bufinfo.buf;
}
static inline const char *mp_obj_str_get_str(mp_obj_t object) {
    size_t len;
    return mp_obj_str_get_data(object, &len);
}

// ---------------------------------------------------------------------------------------------------------------------
// Containers

static inline mp_obj_t mp_obj_new_tuple(size_t n, const mp_obj_t *items) { return mp_fun_table.new_tuple(n, items); }
// Without items (NULL) the list's n items are undefined: set them all through mp_obj_get_array.
static inline mp_obj_t mp_obj_new_list(size_t n, mp_obj_t *items) { return mp_fun_table.new_list(n, items); }
static inline mp_obj_t mp_obj_list_append(mp_obj_t list, mp_obj_t item) { return mp_fun_table.list_append(list, item); }
static inline mp_obj_t mp_obj_new_dict(size_t n) { return mp_fun_table.new_dict(n); }
static inline mp_obj_t mp_obj_dict_store(mp_obj_t dict, mp_obj_t key, mp_obj_t value) {
    return mp_fun_table.dict_store(dict, key, value);
}
static inline mp_obj_t mp_obj_new_slice(mp_obj_t start, mp_obj_t stop, mp_obj_t step) {
    return mp_fun_table.new_slice(start, stop, step);
}
// base[index]: value is MP_OBJ_SENTINEL to load, MP_OBJ_NULL to delete, else stored.
static inline mp_obj_t mp_obj_subscr(mp_obj_t base, mp_obj_t index, mp_obj_t value) {
    return mp_fun_table.obj_subscr(base, index, value);
}
static inline mp_obj_t mp_obj_dict_get(mp_obj_t dict, mp_obj_t key) {
    return mp_obj_subscr(dict, key, MP_OBJ_SENTINEL);
}
// The items of a tuple or list, valid until the list changes.
static inline void mp_obj_get_array(mp_obj_t object, size_t *n, mp_obj_t **items) {
    const mp_obj_type_t *type = mp_obj_get_type(object);
    if (type == &mp_type_list) {
        mp_obj_list_t *list = (mp_obj_list_t *)MP_OBJ_TO_PTR(object);
        *n = list->len;
        *items = list->items;
    } else if (type == &mp_type_tuple) {
        mp_obj_tuple_t *tuple = (mp_obj_tuple_t *)MP_OBJ_TO_PTR(object);
        *n = tuple->len;
        *items = tuple->items;
    } else {
        mp_raise_TypeError("expected tuple or list");
    }
}
static inline void mp_obj_get_array_fixed_n(mp_obj_t object, size_t n, mp_obj_t **items) {
    size_t len;
    mp_obj_get_array(object, &len, items);
    if (len != n) {
        mp_raise_ValueError("tuple or list has a wrong length");
    }
}
// Any iterable: mp_iter_begin once, then mp_iter_next until it returns MP_OBJ_STOP_ITERATION.
static inline void mp_iter_begin(mp_obj_iter_buf_t *iter, mp_obj_t iterable) { mp_fun_table.getiter(iterable, iter); }
static inline mp_obj_t mp_iter_next(mp_obj_iter_buf_t *iter) { return mp_fun_table.iternext(iter); }

// ---------------------------------------------------------------------------------------------------------------------
// Names, attributes, operators and calls

static inline mp_obj_t mp_load_name(qstr name) { return mp_fun_table.load_name(name); }
static inline mp_obj_t mp_load_global(qstr name) { return mp_fun_table.load_global(name); }
static inline void mp_store_global(qstr name, mp_obj_t object) { mp_fun_table.store_global(name, object); }
static inline mp_obj_t mp_load_attr(mp_obj_t base, qstr attr) { return mp_fun_table.load_attr(base, attr); }
static inline void mp_store_attr(mp_obj_t base, qstr attr, mp_obj_t value) {
    mp_fun_table.store_attr(base, attr, value);
}
// Fills dest[0] and dest[1] for mp_call_method_n_kw.
static inline void mp_load_method(mp_obj_t base, qstr attr, mp_obj_t *dest) {
    mp_fun_table.load_method(base, attr, dest);
}
#if ANYMOD_MP_ABI >= 123
// The same, dest[0] is MP_OBJ_NULL if there is no such method.
static inline void mp_load_method_maybe(mp_obj_t base, qstr attr, mp_obj_t *dest) {
    mp_fun_table.load_method_maybe(base, attr, dest);
}
#endif
static inline mp_obj_t mp_import_name(qstr name, mp_obj_t fromlist, mp_obj_t level) {
    return mp_fun_table.import_name(name, fromlist, level);
}
static inline mp_obj_t mp_import_from(mp_obj_t module, qstr name) { return mp_fun_table.import_from(module, name); }

static inline mp_obj_t mp_unary_op(mp_unary_op_t op, mp_obj_t object) { return mp_fun_table.unary_op(op, object); }
static inline mp_obj_t mp_binary_op(mp_binary_op_t op, mp_obj_t left, mp_obj_t right) {
    return mp_fun_table.binary_op(op, left, right);
}
static inline bool mp_obj_equal(mp_obj_t left, mp_obj_t right) {
    return mp_obj_is_true(mp_binary_op(MP_BINARY_OP_EQUAL, left, right));
}

// Positional arguments first, then name and value of each keyword argument. At most 255 of either.
static inline mp_obj_t mp_call_function_n_kw(mp_obj_t fun, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    return mp_fun_table.call_function_n_kw(fun, n_args | n_kw << 8, args);
}
static inline mp_obj_t mp_call_function_0(mp_obj_t fun) { return mp_call_function_n_kw(fun, 0, 0, NULL); }
static inline mp_obj_t mp_call_function_1(mp_obj_t fun, mp_obj_t arg) { return mp_call_function_n_kw(fun, 1, 0, &arg); }
static inline mp_obj_t mp_call_function_2(mp_obj_t fun, mp_obj_t arg1, mp_obj_t arg2) {
    mp_obj_t args[2] = { arg1, arg2 };
    return mp_call_function_n_kw(fun, 2, 0, args);
}
// args begins with the two words that mp_load_method filled.
static inline mp_obj_t mp_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    return mp_fun_table.call_method_n_kw(n_args, n_kw, args);
}
static inline mp_obj_t mp_obj_len(mp_obj_t object) { return mp_call_function_1(mp_load_name(MP_QSTR_len), object); }

#define mp_plat_print (*mp_fun_table.plat_print)
// Formats: %d %u %x %p %s %c %%, %q for a qstr, and %f %g where the interpreter has floats.
#define mp_printf(print, ...) (mp_fun_table.printf_((print), __VA_ARGS__))
#define mp_vprintf(print, format, args) (mp_fun_table.vprintf_((print), (format), (args)))
static inline const mp_stream_p_t *mp_get_stream_raise(mp_obj_t self, int flags) {
    return mp_fun_table.get_stream_raise(self, flags);
}

// Raises with a formatted message, cut after 127 bytes.
typedef struct {
    size_t len;
    char text[127];
} anymod_message_t;
static inline void anymod_message_add(void *data, const char *text, size_t len) {
    anymod_message_t *message = (anymod_message_t *)data;
    for (size_t i = 0; i < len && message->len < sizeof(message->text); i++) {
        message->text[message->len++] = text[i];
    }
}
static inline NORETURN void mp_raise_msg_varg(const mp_obj_type_t *type, mp_rom_error_text_t format, ...) {
    anymod_message_t message;
    message.len = 0;
    mp_print_t print = { &message, anymod_message_add };
    va_list args;
    va_start(args, format);
    mp_vprintf(&print, format, args);
    va_end(args);
    mp_raise_type_arg(type, mp_obj_new_str(message.text, message.len));
}

// ---------------------------------------------------------------------------------------------------------------------
// Functions of the module: `static MP_DEFINE_CONST_FUN_OBJ_1(name_obj, name);`

#define MP_OBJ_FUN_ARGS_MAX 0xffff
#define MP_OBJ_FUN_MAKE_SIG(n_min, n_max, takes_kw) \
    ((uint32_t)((uint32_t)(n_min) << 17 | (uint32_t)(n_max) << 1 | ((takes_kw) ? 1 : 0)))
#define MP_DEFINE_CONST_FUN_OBJ_0(object, function) \
    const mp_obj_fun_builtin_fixed_t object = { { &mp_type_fun_builtin_0 }, { ._0 = function } }
#define MP_DEFINE_CONST_FUN_OBJ_1(object, function) \
    const mp_obj_fun_builtin_fixed_t object = { { &mp_type_fun_builtin_1 }, { ._1 = function } }
#define MP_DEFINE_CONST_FUN_OBJ_2(object, function) \
    const mp_obj_fun_builtin_fixed_t object = { { &mp_type_fun_builtin_2 }, { ._2 = function } }
#define MP_DEFINE_CONST_FUN_OBJ_3(object, function) \
    const mp_obj_fun_builtin_fixed_t object = { { &mp_type_fun_builtin_3 }, { ._3 = function } }
#define MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(object, n_min, n_max, function) \
    const mp_obj_fun_builtin_var_t object = { { &mp_type_fun_builtin_var }, \
        MP_OBJ_FUN_MAKE_SIG(n_min, n_max, false), { .var = function } }
#define MP_DEFINE_CONST_FUN_OBJ_VAR(object, n_min, function) \
    MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(object, n_min, MP_OBJ_FUN_ARGS_MAX, function)
#define MP_DEFINE_CONST_FUN_OBJ_KW(object, n_min, function) \
    const mp_obj_fun_builtin_var_t object = { { &mp_type_fun_builtin_var }, \
        MP_OBJ_FUN_MAKE_SIG(n_min, MP_OBJ_FUN_ARGS_MAX, true), { .kw = function } }

// A dict over a static table that mpy_init fills, for a type's locals.
#define MP_DEFINE_CONST_DICT(object, entries) \
    const mp_obj_dict_t object = { { &mp_type_dict }, \
        { 1, 1, 1, MP_ARRAY_SIZE(entries), MP_ARRAY_SIZE(entries), entries } }

static inline void mp_arg_check_num(size_t n_args, size_t n_kw, size_t n_min, size_t n_max, bool takes_kw) {
    mp_fun_table.arg_check_num_sig(n_args, n_kw, MP_OBJ_FUN_MAKE_SIG(n_min, n_max, takes_kw));
}
#if ANYMOD_MP_ABI >= 123
// Sorts arguments into `out` by the table `allowed`, with defaults; raises TypeError.
static inline void mp_arg_parse_all(size_t n_pos, const mp_obj_t *pos, mp_map_t *kws, size_t n_allowed,
    const mp_arg_t *allowed, mp_arg_val_t *out) {
    mp_fun_table.arg_parse_all(n_pos, pos, kws, n_allowed, allowed, out);
}
static inline void mp_arg_parse_all_kw_array(size_t n_pos, size_t n_kw, const mp_obj_t *args, size_t n_allowed,
    const mp_arg_t *allowed, mp_arg_val_t *out) {
    mp_fun_table.arg_parse_all_kw_array(n_pos, n_kw, args, n_allowed, allowed, out);
}
// Elements of arrays by the struct module's type codes.
static inline size_t mp_binary_get_size(char struct_type, char val_type, size_t *align) {
    return mp_fun_table.binary_get_size(struct_type, val_type, align);
}
static inline mp_obj_t mp_binary_get_val_array(char typecode, void *items, size_t index) {
    return mp_fun_table.binary_get_val_array(typecode, items, index);
}
static inline void mp_binary_set_val_array(char typecode, void *items, size_t index, mp_obj_t value) {
    mp_fun_table.binary_set_val_array(typecode, items, index, value);
}
#endif

#if ANYMOD_MP_ABI >= 120
// Makes a type an exception type derived from another; call it in mpy_init.
static inline void mp_obj_exception_init(mp_obj_full_type_t *exception, qstr name, const mp_obj_type_t *parent) {
    const mp_obj_type_t *model = &mp_type_Exception;
    exception->base.type = &mp_type_type;
    exception->flags = MP_TYPE_FLAG_NONE;
    exception->name = (uint16_t)name;
    MP_OBJ_TYPE_SET_SLOT(exception, make_new, MP_OBJ_TYPE_GET_SLOT_OR_NULL(model, make_new), 0);
    MP_OBJ_TYPE_SET_SLOT(exception, print, MP_OBJ_TYPE_GET_SLOT_OR_NULL(model, print), 1);
    MP_OBJ_TYPE_SET_SLOT(exception, attr, MP_OBJ_TYPE_GET_SLOT_OR_NULL(model, attr), 2);
    MP_OBJ_TYPE_SET_SLOT(exception, parent, parent, 3);
}
// The native object in an instance of a native type or of a class directly derived from it, else MP_OBJ_NULL.
static inline mp_obj_t mp_obj_cast_to_native_base(mp_obj_t self, mp_const_obj_t native_type) {
    const mp_obj_type_t *type = mp_obj_get_type(self);
    if ((mp_const_obj_t)type == native_type) {
        return self;
    }
    if (MP_OBJ_TYPE_GET_SLOT_OR_NULL(type, parent) != native_type) {
        return MP_OBJ_NULL;
    }
    return ((mp_obj_instance_t *)MP_OBJ_TO_PTR(self))->subobj[0];
}
#endif

// ---------------------------------------------------------------------------------------------------------------------
// The module itself. `mpy_init` runs at import; it begins with MP_DYNRUNTIME_INIT_ENTRY and ends with
// MP_DYNRUNTIME_INIT_EXIT, and in between mp_store_global puts names into the module. Python code of the same module runs
// after it.

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args);

#define MP_DYNRUNTIME_INIT_ENTRY \
    (void)n_args, (void)n_kw, (void)args; \
    mp_obj_dict_t *anymod_importer = mp_fun_table.swap_globals(self->context->module.globals);
#define MP_DYNRUNTIME_INIT_EXIT \
    mp_fun_table.swap_globals(anymod_importer); \
    return mp_const_none;

#if ANYMOD_MP_ABI >= 123
// A function object for code with the signature of a mp_call_fun_t; only in mpy_init.
#define MP_DYNRUNTIME_MAKE_FUNCTION(function) anymod_make_function((const void *)(function), self->context)
static inline mp_obj_t anymod_make_function(const void *function, const mp_module_context_t *context) {
    // The head of a raw code object: two zero bytes tell it from bytecode, 4 is the kind of native code.
    struct {
        uint8_t indicator[2];
        uint8_t kind;
        bool is_generator;
        const void *fun_data;
        void *children;
    } code = { { 0, 0 }, 4, false, function, NULL };
    return mp_fun_table.make_function(&code, context, NULL);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
