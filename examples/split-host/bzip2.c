#include <bzlib.h>
#include <stdio.h>
#include <string.h>

const char *anymod_init_bzip2(void) {
    static char line[100];
    char text[1000], small[2000], back[1000];
    memset(text, 'b', sizeof text);
    unsigned length = sizeof small, again = sizeof back;
    if (BZ2_bzBuffToBuffCompress(small, &length, text, sizeof text, 9, 0, 0) != BZ_OK ||
        BZ2_bzBuffToBuffDecompress(back, &again, small, length, 0, 0) != BZ_OK)
        return "failed";
    snprintf(line, sizeof line, "1000 bytes in %u and back: %s", length, memcmp(text, back, sizeof text) ? "no" : "yes");
    return line;
}
