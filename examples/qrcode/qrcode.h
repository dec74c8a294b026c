// The encoder for programs in the toy language: qrcode.encode, qrcode.size, qrcode.draw.
#ifndef QRCODE_H
#define QRCODE_H

#include "toy.h"

typedef struct qrcode_code qrcode_code;

// The smallest code of the text; the level is "L", "M", "Q" or "H".
TOY_FUNCTION(qrcode_encode)
const qrcode_code *qrcode_encode(const toy_text *data, const toy_text *level);
// Modules along a side.
TOY_FUNCTION(qrcode_size)
int32_t qrcode_size(const qrcode_code *code);
// A picture of it, two rows of modules in one line of text.
TOY_FUNCTION(qrcode_draw)
const toy_text *qrcode_draw(const qrcode_code *code);

#endif
