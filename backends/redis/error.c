/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include "slot.h"

static const fcrd_meaning_t meanings[] = {
    {"MOVED", FCACHE_UNAVAILABLE, 0, FCRD_MOVED, "has moved the slot"},
    {"ASK", FCACHE_UNAVAILABLE, 0, FCRD_ASK, "is moving the slot"},
    {"TRYAGAIN", FCACHE_UNAVAILABLE, 0, FCRD_NONE, "is moving the slot"},
    {"CLUSTERDOWN", FCACHE_UNAVAILABLE, 0, FCRD_REMAP,
     "says that the cluster is down"},
    {"READONLY", FCACHE_UNAVAILABLE, 1, FCRD_REMAP, "is a replica now"},
    {"MASTERDOWN", FCACHE_UNAVAILABLE, 1, FCRD_REMAP,
     "is a replica without its master"},
    {"LOADING", FCACHE_UNAVAILABLE, 1, FCRD_NONE, "is loading its data"},
    {"BUSY", FCACHE_UNAVAILABLE, 1, FCRD_NONE, "is busy with a script"},
    {"NOAUTH", FCACHE_UNAVAILABLE, 1, FCRD_NONE, "wants a password"},
    {"WRONGPASS", FCACHE_UNAVAILABLE, 1, FCRD_NONE,
     "refuses user and password"},
    {"NOPERM", FCACHE_UNAVAILABLE, 0, FCRD_NONE,
     "does not allow the user this command or key (see ACL in the "
     "documentation of the store)"},
    {"OOM", FCACHE_TOO_LARGE, 0, FCRD_NONE,
     "has reached its maxmemory and evicts nothing"},
    {"MISCONF", FCACHE_UNAVAILABLE, 0, FCRD_NONE,
     "takes no writes: it cannot save to disk"},
    {"NOREPLICAS", FCACHE_UNAVAILABLE, 0, FCRD_NONE,
     "takes no writes: too few replicas"},
    {"WRONGTYPE", FCACHE_PROTOCOL, 0, FCRD_NONE,
     "holds something else under that name"},
};

static const fcrd_meaning_t unknown = {"", FCACHE_PROTOCOL, 1, FCRD_REMAP,
                                       "answers with an error"};

/* Takes the text up to a blank off the front. */
static fcache_bytes_t take_word(fcache_bytes_t *text)
{
    const char *blank =
        text->len > 0 ? memchr(text->ptr, ' ', text->len) : NULL;
    size_t len = blank ? (size_t)(blank - text->ptr) : text->len;
    fcache_bytes_t word = fcache_bytes(text->ptr, len);
    size_t used = blank ? len + 1 : len;
    *text = fcache_bytes(text->ptr + used, text->len - used);
    return word;
}

/* The error's code. Before Redis 7 that of a command in a script stands behind
 * ": -" in the text of another. */
static fcache_bytes_t code_of(fcache_bytes_t text)
{
    fcache_bytes_t code = take_word(&text);
    for (size_t i = 0; i + 3 < text.len; i++) {
        if (memcmp(text.ptr + i, ": -", 3) == 0) {
            fcache_bytes_t inner =
                fcache_bytes(text.ptr + i + 3, text.len - i - 3);
            return take_word(&inner);
        }
    }
    return code;
}

const fcrd_meaning_t *fcrd_meaning(const fcrd_reply_t *error)
{
    fcache_bytes_t code = code_of(error->text);
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (fcache_bytes_equal(code, fcache_str(meanings[i].code))) {
            return &meanings[i];
        }
    }
    return &unknown;
}

/* Digits up to `most`. */
static int read_number(fcache_bytes_t text, unsigned most, unsigned *out)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return 0;
        }
        value = value * 10 + (unsigned)(text.ptr[i] - '0');
        if (value > most) {
            return 0;
        }
    }
    *out = value;
    return text.len > 0;
}

int fcrd_port_parse(fcache_bytes_t text, uint16_t *out_port)
{
    unsigned port;
    if (!read_number(text, 65535, &port) || port == 0) {
        return 0;
    }
    *out_port = (uint16_t)port;
    return 1;
}

int fcrd_redirect_parse(const fcrd_reply_t *error, unsigned *out_slot,
                        fcache_bytes_t *out_host, uint16_t *out_port)
{
    fcache_bytes_t text = error->text;
    take_word(&text);
    fcache_bytes_t slot = take_word(&text);
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 || !read_number(slot, FCRD_SLOTS - 1, out_slot) ||
        !fcrd_port_parse(fcache_bytes(text.ptr + colon, text.len - colon),
                         out_port)) {
        return 0;
    }
    *out_host = fcache_bytes(text.ptr, colon - 1);
    return 1;
}
