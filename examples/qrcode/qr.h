// A QR Code encoder (ISO/IEC 18004, model 2): bytes in, a square of dark and light modules out.
//
// It knows nothing of MicroPython and allocates nothing: the caller provides the memory that `qr_memory` asks for.
#ifndef QR_H
#define QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Error correction: about 7, 15, 25 or 30 percent of the codewords may be lost.
typedef enum { QR_LOW, QR_MEDIUM, QR_QUARTILE, QR_HIGH } qr_level_t;

enum { QR_MIN_VERSION = 1, QR_MAX_VERSION = 40, QR_MASKS = 8 };

typedef struct {
    int version;     // 1 to 40
    int size;        // modules along a side: 4 * version + 17
    int stride;      // bytes a row
    int mask;        // 0 to 7
    qr_level_t level;
    uint8_t *dark;     // rows of `stride` bytes, the leftmost module in the highest bit
    uint8_t *reserved; // the same for modules that hold no data: finder, timing, alignment, format, version
    uint8_t *codewords;
} qr_t;

// How the data is written: the densest mode that can hold every byte of it.
typedef enum { QR_NUMERIC, QR_ALPHANUMERIC, QR_BYTE } qr_mode_t;

// qr_data.c: from bytes to codewords.

qr_mode_t qr_mode_of(const uint8_t *data, size_t len);
// The smallest version, not below `at_least`, that holds the data; 0 if none does.
int qr_version_for(const uint8_t *data, size_t len, qr_level_t level, int at_least);
// Writes the data's codewords with padding into qr->codewords; returns their number.
int qr_write_data(qr_t *qr, const uint8_t *data, size_t len);
// Codewords of a version, data and error correction together.
int qr_codewords(int version);

// qr_ecc.c: error correction.

int qr_data_codewords(int version, qr_level_t level);
// Appends the error correction of every block to the data in qr->codewords.
void qr_write_ecc(qr_t *qr);
// The codeword at a place in the final, interleaved order.
uint8_t qr_interleaved(const qr_t *qr, int place);

// qr_matrix.c: from codewords to modules.

bool qr_module(const qr_t *qr, int x, int y);
void qr_draw(qr_t *qr, int mask); // mask -1: the one that reads best

// Bytes of memory that a version needs.
size_t qr_memory(int version);
// Encodes data that `qr_version_for` found to fit, into `memory`.
void qr_encode(qr_t *qr, void *memory, const uint8_t *data, size_t len, int version, qr_level_t level, int mask);

#endif
