#include <openssl/evp.h>
#include <stdio.h>

const char *anymod_init_crypto(void) {
    static char line[100];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!EVP_Digest("abc", 3, digest, &length, EVP_sha256(), NULL))
        return "failed";
    snprintf(line, sizeof line, "SHA-256 of abc is %02x%02x…%02x", digest[0], digest[1], digest[length - 1]);
    return line;
}
