/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_TLS_H
#define FCN_TLS_H

/* What tls.c does for stream.c. Errors are for the thread that calls. */

#include "stream.h"

#include <openssl/ssl.h>

typedef enum fcn_want_t {
    FCN_DONE,
    FCN_WANT_READ,  /* again when the socket can be read */
    FCN_WANT_WRITE, /* again when it can be written */
    FCN_ENDED,      /* the peer said goodbye, or is gone */
    FCN_REFUSED     /* the peer's certificate, or nonsense */
} fcn_want_t;

/* TLS on a connected socket, for `host` at that address; NULL: no memory. */
SSL *fcn_tls_start(fcn_tls_t *tls, int fd, const char *host,
                   const fcn_address_t *address);

/* One step each. Counts are of 1 to INT_MAX bytes. */
fcn_want_t fcn_tls_handshake(SSL *ssl);
fcn_want_t fcn_tls_read(SSL *ssl, char *buffer, size_t capacity,
                        size_t *out_len);
fcn_want_t fcn_tls_write(SSL *ssl, const char *bytes, size_t len,
                         size_t *out_len);

/* Nothing has come but TLS's own. */
int fcn_tls_is_quiet(SSL *ssl);

/* What was REFUSED: a sentence's end. */
void fcn_tls_explain(SSL *ssl, char *text, size_t size);

/* `politely`: with a goodbye, without which the session is not resumed. */
void fcn_tls_stop(SSL *ssl, int politely);

#endif
