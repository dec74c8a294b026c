// Memory, text and output: natively through the C library, in WebAssembly through the interpreter that runs it.
#include "toy.h"

#include <stdlib.h>
#include <string.h>

#ifdef __wasm__

__attribute__((import_module("toy"), import_name("write"))) void toy_write(const char *bytes, size_t length);
__attribute__((import_module("toy"), import_name("fail"))) _Noreturn void toy_fail_with(const char *bytes, size_t length);

#else

#include <stdio.h>

static void toy_write(const char *bytes, size_t length) {
    fwrite(bytes, 1, length, stdout);
}

static _Noreturn void toy_fail_with(const char *bytes, size_t length) {
    fflush(stdout);
    fprintf(stderr, "error: %.*s\n", (int)length, bytes);
    exit(1);
}

#endif

_Noreturn void toy_fail(const char *message) {
    toy_fail_with(message, strlen(message));
}

// Memory is cut from blocks that are never given back.
enum { BLOCK = 64 * 1024, ALIGNMENT = 16 };

void *toy_allocate(size_t size) {
    static char *next;
    static size_t left;
    if (size > SIZE_MAX - ALIGNMENT) {
        toy_fail("out of memory");
    }
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size > left) {
        size_t block = size > BLOCK ? size : BLOCK;
        next = calloc(1, block);
        if (next == NULL) {
            toy_fail("out of memory");
        }
        left = block;
    }
    void *memory = next;
    next += size;
    left -= size;
    return memory;
}

toy_text *toy_text_new(uint32_t length) {
    if (length > INT32_MAX - sizeof(toy_text)) {
        toy_fail("out of memory");
    }
    toy_text *text = toy_allocate(sizeof(toy_text) + length);
    text->length = length;
    return text;
}

const toy_text *toy_text_of(const char *string) {
    size_t length = strlen(string);
    if (length > INT32_MAX) {
        toy_fail("out of memory");
    }
    toy_text *text = toy_text_new((uint32_t)length);
    memcpy(text->bytes, string, length);
    return text;
}

void toy_print(const toy_text *text) {
    toy_write(text->bytes, text->length);
    toy_write("\n", 1);
}

const toy_text *toy_join(const toy_text *left, const toy_text *right) {
    if (left->length > INT32_MAX - right->length) {
        toy_fail("out of memory");
    }
    toy_text *text = toy_text_new(left->length + right->length);
    memcpy(text->bytes, left->bytes, left->length);
    memcpy(text->bytes + left->length, right->bytes, right->length);
    return text;
}

const toy_text *toy_decimal(int32_t number) {
    char digits[12];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        *--at = '-';
    }
    return toy_text_of(at);
}
