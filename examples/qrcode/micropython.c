// MicroPython's side: qrcode.encode(data, level="M", mask=-1, min_version=1) -> (size, bitmap).
#include "anymod/micropython.h"
#include "qr.h"

static qr_level_t level_of(mp_obj_t name) {
    size_t len;
    const char *text = mp_obj_str_get_data(name, &len);
    if (len == 1) {
        switch (text[0]) {
            case 'L': return QR_LOW;
            case 'M': return QR_MEDIUM;
            case 'Q': return QR_QUARTILE;
            case 'H': return QR_HIGH;
        }
    }
    mp_raise_ValueError("level has to be 'L', 'M', 'Q' or 'H'");
}

static mp_obj_t encode(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    enum { DATA, LEVEL, MASK, MIN_VERSION, COUNT };
    const mp_arg_t allowed[COUNT] = {
        { MP_QSTR_data, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_level, MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_mask, MP_ARG_INT, { .u_int = -1 } },
        { MP_QSTR_min_version, MP_ARG_INT, { .u_int = QR_MIN_VERSION } },
    };
    mp_arg_val_t values[COUNT];
    mp_arg_parse_all(n_args, args, kwargs, COUNT, allowed, values);

    mp_buffer_info_t data;
    mp_get_buffer_raise(values[DATA].u_obj, &data, MP_BUFFER_READ);
    qr_level_t level = values[LEVEL].u_obj == MP_OBJ_NULL ? QR_MEDIUM : level_of(values[LEVEL].u_obj);
    mp_int_t mask = values[MASK].u_int;
    mp_int_t at_least = values[MIN_VERSION].u_int;
    if (mask < -1 || mask >= QR_MASKS) {
        mp_raise_ValueError("mask has to be 0 to 7, or -1 for the best");
    }
    if (at_least < QR_MIN_VERSION || at_least > QR_MAX_VERSION) {
        mp_raise_ValueError("min_version has to be 1 to 40");
    }
    int version = qr_version_for(data.buf, data.len, level, (int)at_least);
    if (version == 0) {
        mp_raise_ValueError("data is too long for a QR code");
    }

    qr_t qr;
    byte *memory = m_new(byte, qr_memory(version));
    qr_encode(&qr, memory, data.buf, data.len, version, level, (int)mask);
    mp_obj_t result[2] = {
        MP_OBJ_NEW_SMALL_INT(qr.size),
        mp_obj_new_bytes(qr.dark, (size_t)(qr.stride * qr.size)),
    };
    m_free(memory);
    return mp_obj_new_tuple(2, result);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(encode_obj, 1, encode);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_encode, MP_OBJ_FROM_PTR(&encode_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
