// From bytes to data codewords: mode, length, characters, padding.
#include "qr.h"

// Position of a byte in the 45 characters of the alphanumeric mode, -1 if it is none.
static int alphanumeric(uint8_t character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'A' && character <= 'Z') {
        return character - 'A' + 10;
    }
    static const char rest[9] = { ' ', '$', '%', '*', '+', '-', '.', '/', ':' };
    for (int i = 0; i < 9; i++) {
        if (rest[i] == (char)character) {
            return 36 + i;
        }
    }
    return -1;
}

qr_mode_t qr_mode_of(const uint8_t *data, size_t len) {
    qr_mode_t mode = QR_NUMERIC;
    for (size_t i = 0; i < len; i++) {
        int position = alphanumeric(data[i]);
        if (position < 0) {
            return QR_BYTE;
        }
        if (position > 9) {
            mode = QR_ALPHANUMERIC;
        }
    }
    return mode;
}

// Width of the length field, by mode and by versions 1-9, 10-26, 27-40.
static int length_bits(qr_mode_t mode, int version) {
    static const uint8_t bits[3][3] = { { 10, 12, 14 }, { 9, 11, 13 }, { 8, 16, 16 } };
    return bits[mode][version < 10 ? 0 : version < 27 ? 1 : 2];
}

static size_t character_bits(qr_mode_t mode, size_t len) {
    switch (mode) {
        case QR_NUMERIC: // three digits in ten bits, two in seven, one in four
            return len / 3 * 10 + (len % 3 == 0 ? 0 : len % 3 * 3 + 1);
        case QR_ALPHANUMERIC: // two characters in eleven bits, one in six
            return len / 2 * 11 + len % 2 * 6;
        default:
            return len * 8;
    }
}

int qr_version_for(const uint8_t *data, size_t len, qr_level_t level, int at_least) {
    qr_mode_t mode = qr_mode_of(data, len);
    if (len > 7089) { // the most digits that version 40 holds; also keeps the sums below small
        return 0;
    }
    for (int version = at_least; version <= QR_MAX_VERSION; version++) {
        int length = length_bits(mode, version);
        size_t bits = 4 + (size_t)length + character_bits(mode, len);
        if (len >> length == 0 && bits <= 8 * (size_t)qr_data_codewords(version, level)) {
            return version;
        }
    }
    return 0;
}

int qr_codewords(int version) {
    int modules = (16 * version + 128) * version + 64; // all but finders, timing and format
    if (version >= 2) {
        int along_side = version / 7 + 2;
        modules -= (25 * along_side - 10) * along_side - 55; // alignment patterns
        if (version >= 7) {
            modules -= 36; // version information
        }
    }
    return modules / 8;
}

typedef struct {
    uint8_t *bytes;
    size_t bits;
} writer_t;

static void put(writer_t *writer, unsigned value, int count) {
    while (count-- > 0) {
        size_t at = writer->bits++;
        if (at % 8 == 0) {
            writer->bytes[at / 8] = 0;
        }
        writer->bytes[at / 8] |= (uint8_t)((value >> count & 1) << (7 - at % 8));
    }
}

static void put_characters(writer_t *writer, qr_mode_t mode, const uint8_t *data, size_t len) {
    static const uint8_t digit_bits[4] = { 0, 4, 7, 10 };
    for (size_t i = 0; i < len;) {
        if (mode == QR_NUMERIC) {
            unsigned value = 0;
            int digits = 0;
            for (; digits < 3 && i < len; digits++, i++) {
                value = value * 10 + (unsigned)(data[i] - '0');
            }
            put(writer, value, digit_bits[digits]);
        } else if (mode == QR_ALPHANUMERIC && i + 1 < len) {
            put(writer, (unsigned)(alphanumeric(data[i]) * 45 + alphanumeric(data[i + 1])), 11);
            i += 2;
        } else if (mode == QR_ALPHANUMERIC) {
            put(writer, (unsigned)alphanumeric(data[i++]), 6);
        } else {
            put(writer, data[i++], 8);
        }
    }
}

int qr_write_data(qr_t *qr, const uint8_t *data, size_t len) {
    qr_mode_t mode = qr_mode_of(data, len);
    int capacity = qr_data_codewords(qr->version, qr->level);
    writer_t writer = { qr->codewords, 0 };
    put(&writer, 1u << mode, 4);
    put(&writer, (unsigned)len, length_bits(mode, qr->version));
    put_characters(&writer, mode, data, len);
    size_t room = (size_t)capacity * 8 - writer.bits;
    put(&writer, 0, room < 4 ? (int)room : 4); // terminator
    put(&writer, 0, (int)(-writer.bits % 8));
    for (unsigned pad = 0xec; writer.bits / 8 < (size_t)capacity; pad ^= 0xec ^ 0x11) {
        put(&writer, pad, 8);
    }
    return capacity;
}
