/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_CREDENTIALS_H
#define FCD_CREDENTIALS_H

/*
 * The credentials of a process, kept fresh by a thread of it: gotten anew five
 * minutes before they expire, or when the service refuses them or a request finds
 * them expired, as the clock was set or the machine slept. Requests never wait for
 * that, but for the very first that have none yet.
 */

#include "../net/deadline.h"
#include "sigv4.h"
#include "source.h"

typedef struct fcd_credentials_t fcd_credentials_t;

/* What a request is signed with. */
typedef struct fcd_pass_t {
    char key_id[FCD_KEY_ID_MAX + 1];
    char token[FCD_TOKEN_MAX + 1];
    fcd_signing_key_t key;
    uint64_t version; /* of the credentials, for renew */
} fcd_pass_t;

/*
 * In the process, after fork. `first` (may be NULL) are used until others are
 * there; copied. The source is borrowed; one settled to the environment is never
 * asked again. Undone by the pool's cleanup, which waits for the thread, briefly.
 */
fcache_status_t fcd_credentials_create(const fcd_source_t *source,
                                       const fcd_secret_t *first,
                                       const char *region,
                                       fcd_credentials_t **out_credentials,
                                       apr_pool_t *pool, fcache_error_t *error);

/* Those of now. UNAVAILABLE when there are none, with the reason, or when they
 * have expired. The key is derived once a day. Any thread; erase the pass. */
fcache_status_t fcd_credentials_get(fcd_credentials_t *credentials,
                                    const char *stamp, int64_t now_s,
                                    fcn_deadline_t deadline,
                                    fcd_pass_t *out_pass,
                                    fcache_error_t *error);

void fcd_pass_erase(fcd_pass_t *pass);

/* The service refused that version: have the thread get others, but not more
 * often than every few seconds. Any thread. */
void fcd_credentials_renew(fcd_credentials_t *credentials, uint64_t version);

#endif
