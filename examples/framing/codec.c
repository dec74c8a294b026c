// The bytes of framing: COBS (consistent overhead byte stuffing) and CRC-32, as functions of the module that framing.py
// continues. COBS takes every zero out of a message, so that a zero can end it on the wire.
#include "anymod/micropython.h"

// Of a polynomial of degree 32: the remainders of the sixteen values of four bits.
static const uint32_t crc_nibbles[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

static uint32_t crc32_of(const uint8_t *data, size_t len) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ crc_nibbles[crc & 15];
        crc = crc >> 4 ^ crc_nibbles[crc & 15];
    }
    return ~crc;
}

// A frame that is being written. Every run of up to 254 bytes that are not zero has its length plus one in front.
typedef struct {
    uint8_t *out;
    size_t code; // where the length of the current run goes
    size_t len;
} stuffing_t;

static void stuff(stuffing_t *stuffing, uint8_t byte) {
    if (byte != 0) {
        stuffing->out[stuffing->len++] = byte;
        stuffing->out[stuffing->code]++;
    }
    if (byte == 0 || stuffing->out[stuffing->code] == 0xff) {
        stuffing->code = stuffing->len++;
        stuffing->out[stuffing->code] = 1;
    }
}

// cobs_encode(message) -> bytes: the message and its CRC-32, stuffed.
static mp_obj_t cobs_encode(mp_obj_t message) {
    mp_buffer_info_t in;
    mp_get_buffer_raise(message, &in, MP_BUFFER_READ);
    const uint8_t *data = in.buf;
    size_t room = in.len + 4 + (in.len + 4) / 128 + 2; // one byte more for every 254 would do, but 128 takes no division
    stuffing_t stuffing = { m_new(uint8_t, room), 0, 1 };
    stuffing.out[0] = 1;
    for (size_t i = 0; i < in.len; i++) {
        stuff(&stuffing, data[i]);
    }
    uint32_t crc = crc32_of(data, in.len);
    for (int i = 0; i < 4; i++) {
        stuff(&stuffing, (uint8_t)(crc >> (8 * i)));
    }
    mp_obj_t result = mp_obj_new_bytes(stuffing.out, stuffing.len);
    m_free(stuffing.out);
    return result;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cobs_encode_obj, cobs_encode);

// Takes the stuffing out; returns the length, or -1 if the frame is none.
static mp_int_t unstuff(uint8_t *out, const uint8_t *in, size_t len) {
    size_t written = 0;
    for (size_t i = 0; i < len;) {
        uint8_t run = in[i++];
        if (run == 0 || (size_t)run - 1 > len - i) {
            return -1;
        }
        for (uint8_t n = 1; n < run; n++, i++) {
            if (in[i] == 0) {
                return -1;
            }
            out[written++] = in[i];
        }
        if (run != 0xff && i < len) {
            out[written++] = 0;
        }
    }
    return (mp_int_t)written;
}

// cobs_decode(frame) -> bytes, or None if it is damaged.
static mp_obj_t cobs_decode(mp_obj_t frame) {
    mp_buffer_info_t in;
    mp_get_buffer_raise(frame, &in, MP_BUFFER_READ);
    uint8_t *out = m_new(uint8_t, in.len + 1);
    mp_int_t len = unstuff(out, in.buf, in.len) - 4;
    mp_obj_t result = mp_const_none;
    if (len >= 0) {
        uint32_t crc = out[len] | (uint32_t)out[len + 1] << 8 | (uint32_t)out[len + 2] << 16 | (uint32_t)out[len + 3] << 24;
        if (crc == crc32_of(out, (size_t)len)) {
            result = mp_obj_new_bytes(out, (size_t)len);
        }
    }
    m_free(out);
    return result;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cobs_decode_obj, cobs_decode);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_cobs_encode, MP_OBJ_FROM_PTR(&cobs_encode_obj));
    mp_store_global(MP_QSTR_cobs_decode, MP_OBJ_FROM_PTR(&cobs_decode_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
