#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *anymod_init_lzma(void) {
    static char line[100];
    uint8_t text[1000], small[2000], back[1000];
    memset(text, 'l', sizeof text);
    size_t length = 0, from = 0, again = 0;
    uint64_t limit = UINT64_MAX;
    if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, text, sizeof text, small, &length, sizeof small) != LZMA_OK ||
        lzma_stream_buffer_decode(&limit, 0, NULL, small, &from, length, back, &again, sizeof back) != LZMA_OK)
        return "failed";
    snprintf(line, sizeof line, "1000 bytes in %zu and back: %s", length, memcmp(text, back, sizeof text) ? "no" : "yes");
    return line;
}
