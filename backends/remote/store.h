/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_STORE_H
#define FCR_STORE_H

/* What the files behind remote.h share. */

#include "protect.h"
#include "purge.h"
#include "remote.h"

typedef struct fcr_t {
    const char *name;
    const char *page_name; /* of the shared page; may hold a password */
    const fcr_client_ops_t *client;
    void *client_self;
    fcn_limits_t limits;
    fcr_protect_t *protect;
    fcr_purge_t purge;
    fcn_shared_t *shared;          /* set by open */
    int joined;                    /* by child_init */
    _Atomic int64_t distrusted_us; /* when a client last was */
    _Atomic int64_t failed_us;     /* when something last did */
} fcr_t;

/* Left for the head and the tags below the client's largest value. */
#define FCR_HEAD_ROOM 16384

/* ---- look.c -------------------------------------------------------------- */

/* A key, or a listed name taken apart. */
typedef struct fcr_name_t {
    fcache_bytes_t name, prefix, ns;
} fcr_name_t;

fcr_name_t fcr_name_of(const fcache_key_t *key);

typedef enum fcr_life_t {
    FCR_ABSENT,
    FCR_DEAD,   /* past its time, or purged */
    FCR_NEWER,  /* written by a newer version: not ours to judge */
    FCR_BROKEN, /* not what was stored under that name */
    FCR_ALIVE
} fcr_life_t;

typedef struct fcr_look_t {
    fcr_life_t life;
    fcr_found_t found;
    fcr_record_t record; /* of one that is alive */
    int soft;
    uint64_t clock;
} fcr_look_t;

/* Reads and judges one entry. OK, or a fault of the store. BROKEN has a sentence
 * in `error` and has been counted. */
fcache_status_t fcr_look(fcr_t *store, const fcr_name_t *name, int64_t now_us,
                         fcn_deadline_t deadline, fcr_look_t *out_look,
                         apr_pool_t *pool, fcache_error_t *error);

/* The same of what was fetched before, at a clock of a while ago. */
fcache_status_t fcr_judge(fcr_t *store, const fcr_name_t *name,
                          fcr_moment_t moment, int64_t now_us,
                          fcn_deadline_t deadline, fcr_look_t *look,
                          apr_pool_t *pool, fcache_error_t *error);

/* UNAVAILABLE in a process that has not joined; for the first line of a row. */
fcache_status_t fcr_joined(const fcr_t *store, fcache_error_t *error);

/* The deadline of all gets and adds that share `until_us` (fcache/backend.h).
 * UNAVAILABLE when there is no time left: nobody is asked who could not answer, as
 * that would not be his fault. */
fcache_status_t fcr_begin(const fcr_t *store, int64_t *until_us,
                          fcn_deadline_t *out_deadline, fcache_error_t *error);

/* Counts a fault, as a row's last act; answers `status`. */
fcache_status_t fcr_ended(fcr_t *store, fcache_status_t status);

#endif
