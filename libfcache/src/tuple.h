/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_TUPLE_H
#define FCI_TUPLE_H

/*
 * A tuple while it is built. Its bytes are the canonical key: a version byte,
 * then for each element u16 label length, u32 value length, label, value.
 */

#include <fcache/key.h>

#define FCI_CANONICAL_VERSION 1
#define FCI_ELEMENT_HEAD      6 /* both lengths */

/* Labels of the default tuple. */
#define FCI_LABEL_VHOST     "vhost"
#define FCI_LABEL_SCHEME    "scheme"
#define FCI_LABEL_AUTHORITY "authority"
#define FCI_LABEL_METHOD    "method"
#define FCI_LABEL_PATH      "path"
#define FCI_LABEL_QUERY     "query"
#define FCI_LABEL_BODY      "body"
#define FCI_LABEL_VARIANT   "variant"  /* id of the Vary index */
#define FCI_LABEL_LANGUAGE  "language" /* of an alias below it */

struct fcache_tuple_t {
    apr_pool_t *pool;
    char *ptr;
    size_t len;
    size_t capacity;
};

/* The key of finished canonical bytes, which are borrowed. The parts that name
 * it are copied. */
fcache_status_t fci_key_of(fcache_bytes_t canonical, fcache_bytes_t prefix,
                           fcache_bytes_t ns, fcache_key_t *out_key,
                           apr_pool_t *pool, fcache_error_t *error);

/* As fcache_key_variant(), but for Accept-Language, in place of which is the
 * language of the answer. */
fcache_status_t fci_key_language(const fcache_key_t *primary,
                                 fcache_bytes_t index_id, fcache_bytes_t names,
                                 const fcache_request_t *request,
                                 fcache_bytes_t language, fcache_key_t *out_key,
                                 apr_pool_t *pool, fcache_error_t *error);

/* The key of the Vary index that a variant's key lies below; BAD_INPUT when
 * `variant` is not one. */
fcache_status_t fci_key_primary(const fcache_key_t *variant,
                                fcache_key_t *out_key, apr_pool_t *pool,
                                fcache_error_t *error);

#endif
