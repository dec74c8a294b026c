// What the toy language offers to modules in C: memory, text, and a way to print or to give up.
//
// A module's functions take and return `int32_t`, `const toy_text *` and pointers to structures of its own.
#ifndef TOY_H
#define TOY_H

#include <stddef.h>
#include <stdint.h>

// In front of a function that programs can call: `module.function` in the language is `module_function` in C.
#ifdef __wasm__
#define TOY_FUNCTION(name) __attribute__((export_name(#name)))
#else
#define TOY_FUNCTION(name)
#endif

// Bytes, by habit UTF-8; none of them ends it.
typedef struct {
    uint32_t length;
    char bytes[];
} toy_text;

// Zeroed memory that stays until the program ends. Never NULL: without memory the program ends.
void *toy_allocate(size_t size);
// A text of `length` zero bytes, to be filled. The interpreter makes the texts of a program with it.
TOY_FUNCTION(toy_text_new)
toy_text *toy_text_new(uint32_t length);
// A text with the bytes of a C string.
const toy_text *toy_text_of(const char *string);
// Ends the program with a message.
_Noreturn void toy_fail(const char *message);

// What every program has: toy.print, toy.join, toy.decimal.
TOY_FUNCTION(toy_print)
void toy_print(const toy_text *text);
TOY_FUNCTION(toy_join)
const toy_text *toy_join(const toy_text *left, const toy_text *right);
TOY_FUNCTION(toy_decimal)
const toy_text *toy_decimal(int32_t number);

#endif
