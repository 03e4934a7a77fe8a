/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/args.h>

#include "sha256.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const labels[] = {
#define X(name, label) label,
    FCACHE_ARG_LIST(X)
#undef X
};

/* A label of its own, so that nothing short is taken for it. */
static fcache_status_t add_digest(fcache_tuple_t *tuple, const char *label,
                                  fcache_bytes_t bytes)
{
    unsigned char digest[FCI_SHA256_BYTES];
    char name[32];
    (void)snprintf(name, sizeof(name), "%s:sha256", label);
    return fci_sha256(bytes, digest)
               ? fcache_tuple_add(tuple, name,
                                  fcache_bytes(digest, sizeof(digest)))
               : FCACHE_NO_MEMORY;
}

static fcache_status_t add_bytes(fcache_tuple_t *tuple, const char *label,
                                 fcache_bytes_t bytes)
{
    return bytes.len > FCACHE_ARG_MAX_PLAIN
               ? add_digest(tuple, label, bytes)
               : fcache_tuple_add(tuple, label, bytes);
}

/* Numbers as text, which is what a log shows; a double as its bits. */
static fcache_status_t add(fcache_tuple_t *tuple, const fcache_arg_t *arg)
{
    char text[32] = "";
    uint64_t bits;
    switch (arg->kind) {
    case FCACHE_ARG_NONE:
        break;
    case FCACHE_ARG_INT:
        (void)snprintf(text, sizeof(text), "%" PRId64, arg->as.integer);
        break;
    case FCACHE_ARG_UINT:
        (void)snprintf(text, sizeof(text), "%" PRIu64, arg->as.natural);
        break;
    case FCACHE_ARG_DOUBLE:
        memcpy(&bits, &arg->as.real, sizeof(bits));
        (void)snprintf(text, sizeof(text), "%016" PRIx64, bits);
        break;
    case FCACHE_ARG_BOOL:
        (void)snprintf(text, sizeof(text), arg->as.truth ? "true" : "false");
        break;
    case FCACHE_ARG_BYTES:
    case FCACHE_ARG_STRING:
        return add_bytes(tuple, labels[arg->kind], arg->as.bytes);
    default:
        return FCACHE_BAD_INPUT;
    }
    return fcache_tuple_add(tuple, labels[arg->kind], fcache_str(text));
}

fcache_status_t fcache_args_add(fcache_tuple_t *tuple, const fcache_arg_t *args,
                                size_t count, fcache_error_t *error)
{
    for (size_t i = 0; i < count; i++) {
        fcache_status_t status = add(tuple, &args[i]);
        if (status != FCACHE_OK) {
            return fcache_error_set(error, status, "argument %zu of a key: %s",
                                    i, fcache_status_text(status));
        }
    }
    return FCACHE_OK;
}
