// A native module for MicroPython. Build it with `anymod build`; `import MODULE_NAME` then offers what mpy_init stores.

#include "anymod/micropython.h"

// checksum(data) -> int: Fletcher's 16-bit checksum of the bytes of `data`, which is any object with a buffer.
static mp_obj_t checksum(mp_obj_t data) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(data, &buffer, MP_BUFFER_READ);
    const uint8_t *bytes = buffer.buf;
    uint32_t low = 0;
    uint32_t high = 0;
    for (size_t i = 0; i < buffer.len; i++) {
        // Both sums stay below 255 without a division, which the smallest processors do not have.
        low += bytes[i];
        low -= low >= 255 ? 255 : 0;
        high += low;
        high -= high >= 255 ? 255 : 0;
    }
    return MP_OBJ_NEW_SMALL_INT(high << 8 | low);
}
static MP_DEFINE_CONST_FUN_OBJ_1(checksum_obj, checksum);

// Runs when the module is imported.
mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_checksum, MP_OBJ_FROM_PTR(&checksum_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
