// From codewords to modules: the fixed patterns, the data's zigzag, and the choice of a mask.
#include "qr.h"

bool qr_module(const qr_t *qr, int x, int y) {
    return qr->dark[y * qr->stride + x / 8] >> (7 - x % 8) & 1;
}

static bool is_reserved(const qr_t *qr, int x, int y) {
    return qr->reserved[y * qr->stride + x / 8] >> (7 - x % 8) & 1;
}

static void set(uint8_t *bits, int stride, int x, int y, bool value) {
    uint8_t *cell = &bits[y * stride + x / 8];
    uint8_t bit = (uint8_t)(0x80 >> x % 8);
    *cell = value ? *cell | bit : *cell & (uint8_t)~bit;
}

// Sets a module that holds no data.
static void reserve(qr_t *qr, int x, int y, bool dark) {
    set(qr->dark, qr->stride, x, y, dark);
    set(qr->reserved, qr->stride, x, y, true);
}

static int distance(int dx, int dy) {
    dx = dx < 0 ? -dx : dx;
    dy = dy < 0 ? -dy : dy;
    return dx > dy ? dx : dy;
}

// Concentric squares around a center: a finder with its separator (radius 4) or an alignment pattern (radius 2).
static void draw_squares(qr_t *qr, int center_x, int center_y, int radius) {
    for (int dy = -radius; dy <= radius; dy++) {
        for (int dx = -radius; dx <= radius; dx++) {
            int x = center_x + dx, y = center_y + dy;
            if (x >= 0 && x < qr->size && y >= 0 && y < qr->size) {
                int ring = distance(dx, dy);
                reserve(qr, x, y, radius == 4 ? ring != 2 && ring != 4 : ring != 1);
            }
        }
    }
}

// Centers of the alignment patterns along a side; returns their number.
static int alignment_centers(int version, int centers[7]) {
    if (version == 1) {
        return 0;
    }
    int count = version / 7 + 2;
    int step = version == 32 ? 26 : (version * 4 + count * 2 + 1) / (count * 2 - 2) * 2;
    centers[0] = 6;
    for (int i = count - 1, at = version * 4 + 10; i > 0; i--, at -= step) {
        centers[i] = at;
    }
    return count;
}

// Appends the remainder of a division of polynomials over GF(2), as format and version information want it.
static unsigned with_check_bits(unsigned value, unsigned divisor, int degree) {
    unsigned remainder = value;
    for (int i = 0; i < degree; i++) {
        remainder = remainder << 1 ^ (remainder >> (degree - 1) & 1) * divisor;
    }
    return value << degree | (remainder & ((1u << degree) - 1));
}

// Level and mask, twice: around the first finder, and split between the two others.
static void draw_format(qr_t *qr, int mask) {
    static const uint8_t level_bits[4] = { 1, 0, 3, 2 };
    unsigned bits = with_check_bits((unsigned)(level_bits[qr->level] << 3 | mask), 0x537, 10) ^ 0x5412;
    for (int i = 0; i < 15; i++) {
        bool dark = bits >> i & 1;
        if (i < 8) { // down column 8, past the timing pattern in row 6; and along row 8 from the right
            reserve(qr, 8, i < 6 ? i : i + 1, dark);
            reserve(qr, qr->size - 1 - i, 8, dark);
        } else { // along row 8 to the left, past the timing pattern in column 6; and up to the bottom
            reserve(qr, i == 8 ? 7 : 14 - i, 8, dark);
            reserve(qr, 8, qr->size - 15 + i, dark);
        }
    }
    reserve(qr, 8, qr->size - 8, true);
}

static void draw_version(qr_t *qr) {
    if (qr->version < 7) {
        return;
    }
    unsigned bits = with_check_bits((unsigned)qr->version, 0x1f25, 12);
    for (int i = 0; i < 18; i++) {
        int along = i / 3, across = qr->size - 11 + i % 3;
        reserve(qr, across, along, bits >> i & 1);
        reserve(qr, along, across, bits >> i & 1);
    }
}

static void draw_patterns(qr_t *qr) {
    for (int i = 0; i < qr->size; i++) {
        reserve(qr, 6, i, i % 2 == 0);
        reserve(qr, i, 6, i % 2 == 0);
    }
    draw_squares(qr, 3, 3, 4);
    draw_squares(qr, qr->size - 4, 3, 4);
    draw_squares(qr, 3, qr->size - 4, 4);
    int centers[7];
    int count = alignment_centers(qr->version, centers);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            bool at_finder = (i == 0 && j == 0) || (i == 0 && j == count - 1) || (i == count - 1 && j == 0);
            if (!at_finder) {
                draw_squares(qr, centers[i], centers[j], 2);
            }
        }
    }
    draw_format(qr, 0); // reserves the place
    draw_version(qr);
}

// Data runs in pairs of columns from the right, alternately up and down.
static void draw_data(qr_t *qr) {
    int bits = qr_codewords(qr->version) * 8;
    int at = 0;
    bool upward = true;
    uint8_t codeword = 0;
    for (int right = qr->size - 1; right > 0; right -= 2, upward = !upward) {
        if (right == 6) { // the vertical timing pattern
            right = 5;
        }
        for (int row = 0; row < qr->size; row++) {
            int y = upward ? qr->size - 1 - row : row;
            for (int x = right; x >= right - 1; x--) {
                if (is_reserved(qr, x, y) || at >= bits) {
                    continue;
                }
                if (at % 8 == 0) {
                    codeword = qr_interleaved(qr, at / 8);
                }
                set(qr->dark, qr->stride, x, y, codeword >> (7 - at % 8) & 1);
                at++;
            }
        }
    }
}

static bool inverts(int mask, int x, int y) {
    switch (mask) {
        case 0: return (x + y) % 2 == 0;
        case 1: return y % 2 == 0;
        case 2: return x % 3 == 0;
        case 3: return (x + y) % 3 == 0;
        case 4: return (x / 3 + y / 2) % 2 == 0;
        case 5: return x * y % 2 + x * y % 3 == 0;
        case 6: return (x * y % 2 + x * y % 3) % 2 == 0;
        default: return ((x + y) % 2 + x * y % 3) % 2 == 0;
    }
}

// Inverts the data that the mask covers; a second time undoes it.
static void apply_mask(qr_t *qr, int mask) {
    for (int y = 0; y < qr->size; y++) {
        for (int x = 0; x < qr->size; x++) {
            if (inverts(mask, x, y) && !is_reserved(qr, x, y)) {
                set(qr->dark, qr->stride, x, y, !qr_module(qr, x, y));
            }
        }
    }
}

// The last seven runs of one color along a line, the newest first.
typedef struct {
    int runs[7];
    long penalty;
} line_t;

static void end_run(line_t *line, int length) {
    for (int i = 6; i > 0; i--) {
        line->runs[i] = line->runs[i - 1];
    }
    line->runs[0] = length;
}

// After a light run: 1:1:3:1:1 dark and light like a finder, with four units of light on a side, costs 40 a side.
static void finder_penalty(line_t *line) {
    const int *runs = line->runs;
    int unit = runs[1];
    if (unit > 0 && runs[2] == unit && runs[3] == 3 * unit && runs[4] == unit && runs[5] == unit) {
        if (runs[0] >= 4 * unit && runs[6] >= unit) {
            line->penalty += 40;
        }
        if (runs[6] >= 4 * unit && runs[0] >= unit) {
            line->penalty += 40;
        }
    }
}

static long line_penalty(const qr_t *qr, int index, bool vertical) {
    line_t line = { { 0 }, 0 };
    bool dark = false;
    int length = qr->size; // the light margin belongs to the first run
    int visible = 0;
    for (int i = 0; i <= qr->size; i++) {
        bool next = i < qr->size && (vertical ? qr_module(qr, index, i) : qr_module(qr, i, index));
        if (i < qr->size && next == dark) {
            length++;
            visible++;
            continue;
        }
        if (visible >= 5) {
            line.penalty += visible - 2;
        }
        if (i == qr->size && !dark) {
            length += qr->size;
        }
        end_run(&line, length);
        if (!dark) {
            finder_penalty(&line);
        } else if (i == qr->size) { // a dark run at the edge: the margin follows
            end_run(&line, qr->size);
            finder_penalty(&line);
        }
        dark = next;
        length = visible = 1;
    }
    return line.penalty;
}

// How hard the matrix is to read, by the standard's four rules.
static long penalty_of(const qr_t *qr) {
    long penalty = 0;
    long dark = 0;
    for (int y = 0; y < qr->size; y++) {
        penalty += line_penalty(qr, y, false) + line_penalty(qr, y, true);
        for (int x = 0; x < qr->size; x++) {
            bool here = qr_module(qr, x, y);
            dark += here;
            if (x > 0 && y > 0 && here == qr_module(qr, x - 1, y) && here == qr_module(qr, x, y - 1) &&
                here == qr_module(qr, x - 1, y - 1)) {
                penalty += 3;
            }
        }
    }
    long all = (long)qr->size * qr->size;
    long imbalance = dark * 20 - all * 10;
    imbalance = imbalance < 0 ? -imbalance : imbalance;
    return penalty + ((imbalance + all - 1) / all - 1) * 10;
}

void qr_draw(qr_t *qr, int mask) {
    for (int i = 0; i < qr->stride * qr->size; i++) {
        qr->dark[i] = qr->reserved[i] = 0;
    }
    draw_patterns(qr);
    draw_data(qr);
    if (mask < 0) {
        long least = -1;
        for (int candidate = 0; candidate < QR_MASKS; candidate++) {
            apply_mask(qr, candidate);
            draw_format(qr, candidate);
            long penalty = penalty_of(qr);
            apply_mask(qr, candidate);
            if (least < 0 || penalty < least) {
                least = penalty;
                mask = candidate;
            }
        }
    }
    apply_mask(qr, mask);
    draw_format(qr, mask);
    qr->mask = mask;
}

static int stride_of(int version) {
    return (4 * version + 17 + 7) / 8;
}

size_t qr_memory(int version) {
    return (size_t)(2 * stride_of(version) * (4 * version + 17) + qr_codewords(version));
}

void qr_encode(qr_t *qr, void *memory, const uint8_t *data, size_t len, int version, qr_level_t level, int mask) {
    qr->version = version;
    qr->size = 4 * version + 17;
    qr->stride = stride_of(version);
    qr->level = level;
    qr->dark = memory;
    qr->reserved = qr->dark + qr->stride * qr->size;
    qr->codewords = qr->reserved + qr->stride * qr->size;
    qr_write_data(qr, data, len);
    qr_write_ecc(qr);
    qr_draw(qr, mask);
}
