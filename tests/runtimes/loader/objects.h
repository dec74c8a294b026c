// The loader's objects and its mp_fun_table: enough for test modules.
#ifndef LOADER_OBJECTS_H
#define LOADER_OBJECTS_H

#include "anymod/micropython.h"

enum { FUN_TABLE_ENTRIES = 87 };

#if defined(__x86_64__)
#define ARCH_NUMBER 2
#elif defined(__xtensa__)
#define ARCH_NUMBER 9
#elif defined(__riscv) && __riscv_xlen == 32
#define ARCH_NUMBER 11
#elif defined(__riscv)
#define ARCH_NUMBER 12
#else
#error "no native modules for this architecture"
#endif

// mp_fun_table as a module sees it: words whose order is the ABI.
extern const void *fun_table[FUN_TABLE_ENTRIES];

void set_up_objects(void);
mp_obj_dict_t *globals(void);

// The number of a string; those that MicroPython numbers statically are never made here.
uint16_t intern(const char *text, size_t len);

mp_obj_t new_int(mp_int_t value);
mp_obj_t new_str(const char *data, size_t len);
mp_obj_t new_bytes(const uint8_t *data, size_t len);

// A name that the module has stored, or the end of the program.
mp_obj_t lookup(const char *name);
mp_obj_t call(mp_obj_t function, size_t n_args, size_t n_kw, const mp_obj_t *args);
void print_names(void);
void print_repr(mp_obj_t object);

#endif
