// Error correction: Reed-Solomon codes over GF(256), in blocks whose codewords are interleaved.
#include "qr.h"

// Error correction codewords of each block, by level and version (ISO/IEC 18004, table 9).
static const uint8_t ecc_length[4][40] = {
    { 7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
      28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30 },
    { 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
      26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28 },
    { 13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30,
      28, 30, 30, 30, 30, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30 },
    { 17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28,
      30, 24, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30 },
};

// Number of blocks, by level and version (the same table).
static const uint8_t block_count[4][40] = {
    { 1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8,
      8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25 },
    { 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
      17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49 },
    { 1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20,
      23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68 },
    { 1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25,
      25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81 },
};

enum { MAX_ECC_LENGTH = 30 };

// How a version's codewords are cut into blocks: the last ones hold one data codeword more than the first.
typedef struct {
    int blocks;
    int short_blocks;
    int short_data; // data codewords of a short block
    int ecc;        // error correction codewords of every block
} layout_t;

static layout_t layout_of(int version, qr_level_t level) {
    int all = qr_codewords(version);
    layout_t layout;
    layout.blocks = block_count[level][version - 1];
    layout.short_blocks = layout.blocks - all % layout.blocks;
    layout.ecc = ecc_length[level][version - 1];
    layout.short_data = all / layout.blocks - layout.ecc;
    return layout;
}

int qr_data_codewords(int version, qr_level_t level) {
    return qr_codewords(version) - ecc_length[level][version - 1] * block_count[level][version - 1];
}

// Where a block's data begins in the data.
static int block_start(const layout_t *layout, int block) {
    int longer = block > layout->short_blocks ? block - layout->short_blocks : 0;
    return block * layout->short_data + longer;
}

// Product in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1.
static uint8_t multiply(uint8_t a, uint8_t b) {
    unsigned product = 0;
    for (int bit = 7; bit >= 0; bit--) {
        product = product << 1 ^ (product >> 7) * 0x11d;
        product ^= (b >> bit & 1u) * a;
    }
    return (uint8_t)product;
}

// Coefficients of the product of (x - 2^i) for i below `degree`, without the leading one.
static void generator(uint8_t *coefficients, int degree) {
    for (int i = 0; i < degree; i++) {
        coefficients[i] = i == degree - 1;
    }
    uint8_t root = 1;
    for (int i = 0; i < degree; i++) {
        for (int j = 0; j < degree; j++) {
            coefficients[j] = multiply(coefficients[j], root);
            if (j + 1 < degree) {
                coefficients[j] ^= coefficients[j + 1];
            }
        }
        root = multiply(root, 2);
    }
}

static void remainder_of(uint8_t *remainder, const uint8_t *divisor, int degree, const uint8_t *data, int len) {
    for (int i = 0; i < degree; i++) {
        remainder[i] = 0;
    }
    for (int i = 0; i < len; i++) {
        uint8_t factor = data[i] ^ remainder[0];
        for (int j = 0; j < degree; j++) {
            uint8_t next = j + 1 < degree ? remainder[j + 1] : 0;
            remainder[j] = next ^ multiply(divisor[j], factor);
        }
    }
}

void qr_write_ecc(qr_t *qr) {
    layout_t layout = layout_of(qr->version, qr->level);
    uint8_t divisor[MAX_ECC_LENGTH];
    generator(divisor, layout.ecc);
    uint8_t *ecc = qr->codewords + qr_data_codewords(qr->version, qr->level);
    for (int block = 0; block < layout.blocks; block++) {
        int start = block_start(&layout, block);
        int len = block_start(&layout, block + 1) - start;
        remainder_of(ecc + block * layout.ecc, divisor, layout.ecc, qr->codewords + start, len);
    }
}

uint8_t qr_interleaved(const qr_t *qr, int place) {
    layout_t layout = layout_of(qr->version, qr->level);
    int data = qr_data_codewords(qr->version, qr->level);
    if (place >= data) {
        int column = (place - data) / layout.blocks;
        int block = (place - data) % layout.blocks;
        return qr->codewords[data + block * layout.ecc + column];
    }
    int column = place / layout.blocks;
    int block = place % layout.blocks;
    if (column == layout.short_data) { // only the longer blocks have this column
        block += layout.short_blocks;
    }
    return qr->codewords[block_start(&layout, block) + column];
}
