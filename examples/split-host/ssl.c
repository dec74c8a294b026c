#include <openssl/ssl.h>
#include <stdio.h>

const char *anymod_init_ssl(void) {
    static char line[100];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *connection = context ? SSL_new(context) : NULL;
    if (!connection)
        return "failed";
    snprintf(line, sizeof line, "%s, %s", SSL_get_version(connection), SSL_get_cipher_list(connection, 0));
    SSL_free(connection);
    SSL_CTX_free(context);
    return line;
}
