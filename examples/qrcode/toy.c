// The toy language's side: what qrcode.h declares.
#include "qrcode.h"

#include <string.h>

#include "qr.h"

struct qrcode_code {
    qr_t qr;
};

static qr_level_t level_of(const toy_text *name) {
    static const char names[4] = { 'L', 'M', 'Q', 'H' };
    for (int level = 0; level < 4; level++) {
        if (name->length == 1 && name->bytes[0] == names[level]) {
            return (qr_level_t)level;
        }
    }
    toy_fail("level has to be \"L\", \"M\", \"Q\" or \"H\"");
}

const qrcode_code *qrcode_encode(const toy_text *data, const toy_text *level_name) {
    qr_level_t level = level_of(level_name);
    const uint8_t *bytes = (const uint8_t *)data->bytes;
    int version = qr_version_for(bytes, data->length, level, QR_MIN_VERSION);
    if (version == 0) {
        toy_fail("data is too long for a QR code");
    }
    qrcode_code *code = toy_allocate(sizeof *code);
    qr_encode(&code->qr, toy_allocate(qr_memory(version)), bytes, data->length, version, level, -1);
    return code;
}

int32_t qrcode_size(const qrcode_code *code) {
    return code->qr.size;
}

// Dark modules are drawn as spaces, for a terminal that writes light on dark; two modules of the quiet zone around.
enum { QUIET = 2 };

static bool light(const qr_t *qr, int x, int y) {
    bool inside = x >= 0 && y >= 0 && x < qr->size && y < qr->size;
    return !inside || !qr_module(qr, x, y);
}

const toy_text *qrcode_draw(const qrcode_code *code) {
    static const char *const halves[4] = { " ", "▄", "▀", "█" };
    const qr_t *qr = &code->qr;
    size_t side = (size_t)qr->size + 2 * QUIET;
    char *drawn = toy_allocate((side + 1) / 2 * (side * 3 + 1)); // three bytes a character, and the end of the line
    char *end = drawn;
    for (int y = -QUIET; y < qr->size + QUIET; y += 2) {
        for (int x = -QUIET; x < qr->size + QUIET; x++) {
            const char *half = halves[light(qr, x, y) * 2 + light(qr, x, y + 1)];
            size_t length = strlen(half);
            memcpy(end, half, length);
            end += length;
        }
        *end++ = '\n';
    }
    end[-1] = '\0';
    return toy_text_of(drawn);
}
