/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_ERROR_H
#define FCRD_ERROR_H

/*
 * What the error replies of a server mean, one table. Of the peer's text only the
 * first word counts; none of it is shown, because servers quote what they were
 * sent, a password too.
 */

#include "reply.h"

typedef enum fcrd_remedy_t {
    FCRD_NONE,
    FCRD_MOVED, /* ask the server that it names, and look at the map again */
    FCRD_ASK,   /* ask the server that it names, this time */
    FCRD_REMAP  /* look for the server again */
} fcrd_remedy_t;

typedef struct fcrd_meaning_t {
    const char *code;
    fcache_status_t status; /* what the caller gets */
    int is_ill; /* the server is of no use now: counts for its breaker */
    fcrd_remedy_t remedy;
    const char *text; /* "server HOST:PORT ..." */
} fcrd_meaning_t;

/* Of an error reply; never NULL. Any thread. */
const fcrd_meaning_t *fcrd_meaning(const fcrd_reply_t *error);

/* The slot and "host:port" of MOVED or ASK; the host is empty for the server that
 * said so. 0 when it is malformed. */
int fcrd_redirect_parse(const fcrd_reply_t *error, unsigned *out_slot,
                        fcache_bytes_t *out_host, uint16_t *out_port);

/* A port from 1 to 65535 in digits. */
int fcrd_port_parse(fcache_bytes_t text, uint16_t *out_port);

#endif
