#include <ffi.h>
#include <stdio.h>
#include <stdlib.h>

const char *anymod_init_ffi(void) {
    static char line[100];
    ffi_cif call;
    ffi_type *types[] = {&ffi_type_sint};
    int argument = -42;
    void *values[] = {&argument};
    ffi_arg result = 0;
    if (ffi_prep_cif(&call, FFI_DEFAULT_ABI, 1, &ffi_type_sint, types) != FFI_OK)
        return "failed";
    ffi_call(&call, FFI_FN(abs), &result, values);
    snprintf(line, sizeof line, "abs(-42) is %d", (int)result);
    return line;
}
