#include <stdio.h>
#include <string.h>
#include <zlib.h>

const char *anymod_init_zlib(void) {
    static char line[100];
    unsigned char text[1000], small[1000], back[1000];
    memset(text, 'z', sizeof text);
    uLongf length = sizeof small, again = sizeof back;
    if (compress(small, &length, text, sizeof text) != Z_OK || uncompress(back, &again, small, length) != Z_OK)
        return "failed";
    snprintf(line, sizeof line, "1000 bytes in %lu and back: %s", length, memcmp(text, back, sizeof text) ? "no" : "yes");
    return line;
}
