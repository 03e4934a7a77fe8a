/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MFC_CTX_H
#define MFC_CTX_H

/*
 * What the module knows of one request, and what its files offer each other.
 * The order in which a request passes through them is in flow.c.
 */

#include "config.h"
#include "hooks.h"
#include "queue.h"

#include <fcache/fcache.h>

#include <apr_buckets.h>
#include <httpd.h>
#include <util_filter.h>

typedef struct mfc_ctx_t mfc_ctx_t;

/* Puts an entry; the status is what came of it. */
typedef fcache_status_t (*mfc_put_fn)(request_rec *r, mfc_ctx_t *ctx,
                                      fcache_error_t *error);

struct mfc_ctx_t {
    const mfc_conf_t *conf;
    fcache_t *cache;      /* of the store in use */
    mfc_behind_t *behind; /* what writes there for us, or NULL */
    fcache_policy_t policy;
    fcache_request_t request; /* views into the request's pool */
    fcache_key_t key;
    int64_t started_us; /* when the request reached us */
    uint64_t epoch;     /* the store's, before the origin was asked */
    int64_t until_us;   /* the store is asked no longer: see fcache_lookup() */
    uint64_t hit_epoch; /* the store's, when it was asked */

    /* set once by flow.c, in this order */
    fcache_reason_t bypass; /* NONE: the cache is used */
    fcache_status_t found;  /* of the lookup */
    fcache_hit_t hit;       /* when found is OK */
    fcache_decision_t decision;
    fcache_judgement_t judgement; /* once the origin has answered */

    /* what report.c tells */
    fcache_verdict_t verdict;
    fcache_reason_t reason;
    int64_t age_s;
    int64_t ttl_s;
    fcache_forward_t forward;  /* why the origin was asked; NONE: it was not */
    int forward_status;        /* of its answer, or 0 */
    const char *others_status; /* Cache-Status of caches behind us, or NULL */
    const request_rec *reported; /* the one that was told last */

    int refresh_due;     /* served stale, so it is to be refreshed behind */
    int without_cookies; /* and how */
    int is_debugged;     /* its client may know the key */
    int answer_sent;     /* in the place of whatever else is passed on */
    int holds_entry;     /* hit is kept until the origin has answered */
    apr_table_t *before; /* r->err_headers_out when the handler was asked */
    apr_table_t *parked; /* the client's conditionals, while the origin is asked
                            with ours or with none */
    int has_parked;      /* it was */
    int64_t answered_us; /* when the origin's answer was judged, or 0 */
    int is_own_content;  /* POST's answer, see post.c */
    int is_framed;       /* the origin's body says where it ends */
    int origin_status;   /* of the last head it sent, or 0 */
    int has_expires;     /* a line of that head */
    const char *bad_expires;  /* that line, if it is no date, or NULL */
    apr_bucket_brigade *body; /* what was read of the request's and not handed
                                 on yet; NULL: nothing was read */
    struct mfc_capture_t *capture; /* NULL: not watching the origin */
    struct mfc_flight_t *flight;   /* NULL: never asked who leads */
    int is_collapsed;              /* served what another asked for */
    int64_t early_of_us; /* a refresh before its time: what is fresh until then
                            is to be asked about, 0: not so */
    mfc_put_fn put;      /* put off, or NULL */
};

/* The request's state, or NULL when the scope is off. */
mfc_ctx_t *mfc_ctx_of(const request_rec *r);

/* ---- flow.c -------------------------------------------------------------- */

/* Steps 1 and 2 for a request that repeats one of that key: 1 when it may go on
 * to ask the origin and store what comes. */
int mfc_on_repeat(request_rec *r, const fcache_key_t *key);

/* ---- message.c: httpd's structures as the core sees them ----------------- */

/* Fills ctx->request from r, but for the body's digest. */
void mfc_message_request(request_rec *r, mfc_ctx_t *ctx);

/* A table's fields, and `extra` after them unless it is NULL. */
fcache_fields_t mfc_message_fields(const apr_table_t *table,
                                   const apr_table_t *extra, apr_pool_t *pool);

/* The response as the handler made it: r->headers_out, the fields httpd keeps
 * beside them, and of err_headers_out what was not there `before` it ran. */
fcache_fields_t mfc_message_response_fields(request_rec *r,
                                            const apr_table_t *before);

/* The URL of that path and query on the host that the request is for. */
const char *mfc_message_url(const request_rec *r, const char *target);

/* Lets the log see what the client sent: see mfc_on_translate(). */
void mfc_message_restore(request_rec *r);

/* ---- body.c: request bodies ---------------------------------------------- */

/*
 * Reads the request's body, digests it for ctx->request and puts it back for the
 * handler. A body of more than the scope's limit makes ctx->bypass
 * BODY_TOO_LARGE; the handler still gets all of it. Anything but APR_SUCCESS is
 * why the body cannot be read: the request is to be refused, for what came of it
 * is not the whole.
 */
apr_status_t mfc_body_digest(request_rec *r, mfc_ctx_t *ctx);

/* ---- serve.c ------------------------------------------------------------- */

/* Puts the stored entry into r's status and fields and its body into `bb`, as
 * the client's conditionals want it. Takes the hit's pin. */
void mfc_serve_prepare(request_rec *r, mfc_ctx_t *ctx, apr_bucket_brigade *bb);

/* Sends the stored entry as the answer of a handler. */
int mfc_serve(request_rec *r, mfc_ctx_t *ctx);

/* The Cache-Control that this scope sends with what is stored; `has_own` says
 * that the origin gave clients a lifetime. */
void mfc_serve_client_control(request_rec *r, const mfc_ctx_t *ctx,
                              int has_own);

/* 304 when the client's conditionals say that it has that representation, else
 * 200. Knows what compressing filters behind us put into entity tags. */
int mfc_serve_condition(request_rec *r, const fcache_entry_t *entry);

/* ---- bucket.c: bodies in the store --------------------------------------- */

/* Appends buckets over the pieces; the pin is released with the last of them.
 */
void mfc_bucket_append(apr_bucket_brigade *bb, fcache_t *cache, void *pin,
                       const fcache_bytes_t *body, size_t count,
                       apr_pool_t *pool);

/* Releases the pin (NULL is fine) with the pool. */
void mfc_bucket_keep_pin(fcache_t *cache, void *pin, apr_pool_t *pool);

/* ---- judge.c ------------------------------------------------------------- */

/* Gives the client's conditionals back, and sets ctx->judgement. */
void mfc_judge(request_rec *r, mfc_ctx_t *ctx, fcache_fields_t fields);

/* ---- head.c -------------------------------------------------------------- */

/*
 * The head of an entry from a judged response: ctx->judgement says its times,
 * `fields` what it keeps, gathered in `block` but for Content-Length. The
 * entry's views point into `fields` and, after the last addition, the caller
 * sets entry->fields from the block.
 */
fcache_status_t mfc_head_build(const mfc_ctx_t *ctx, int status,
                               fcache_fields_t fields, fcache_buf_t *block,
                               fcache_entry_t *out_entry);

/* Adds Content-Length, but for statuses that have none (RFC 9110 §8.6). */
fcache_status_t mfc_head_add_length(fcache_buf_t *block, int status,
                                    uint64_t length);

/* ---- capture.c ----------------------------------------------------------- */

/* Watches the handler's answer from now on. */
void mfc_capture_arm(request_rec *r, mfc_ctx_t *ctx);

/* The answer is to be stored: makes the head of its entry. */
void mfc_capture_begin(request_rec *r, mfc_ctx_t *ctx, fcache_fields_t fields);

/* It is not (any more), and why. */
void mfc_capture_drop(request_rec *r, mfc_ctx_t *ctx, fcache_reason_t reason);

/* Tees one brigade into the store and passes it on; stores at its end, or, if
 * the store is remote, by mfc_later(). */
apr_status_t mfc_capture_pass(ap_filter_t *f, mfc_ctx_t *ctx,
                              apr_bucket_brigade *bb);

/* ---- later.c ------------------------------------------------------------- */

/* The request's store, and how it is written to. */
void mfc_later_choose(const request_rec *r, mfc_ctx_t *ctx,
                      const mfc_store_t *store);

/* Puts at once, or, if the store is remote, when the client has its answer. The
 * hit's pin is then kept as long as the request. */
void mfc_later(request_rec *r, mfc_ctx_t *ctx, mfc_put_fn put);

/* Does what was put off; the report then says what came of it. */
void mfc_later_run(request_rec *r, mfc_ctx_t *ctx);

/* Is the store in use beyond this machine's memory? */
int mfc_is_remote(const mfc_ctx_t *ctx);

/* The cache to write with. */
fcache_t *mfc_writing(const mfc_ctx_t *ctx);

/* Why nothing was stored. */
fcache_reason_t mfc_refusal(fcache_status_t status);

/* ---- revalidate.c -------------------------------------------------------- */

/* Parks the client's conditionals: the origin is asked for the whole. */
void mfc_revalidate_park(request_rec *r, mfc_ctx_t *ctx);

/* The same, and adds the entry's. */
void mfc_revalidate_arm(request_rec *r, mfc_ctx_t *ctx);

/* Are the entry's in the request? */
int mfc_revalidate_is_armed(const mfc_ctx_t *ctx);

/* Gives the client's conditionals back. */
void mfc_revalidate_disarm(request_rec *r, mfc_ctx_t *ctx);

/* A 304 with these fields confirmed the entry: renews it in ctx->hit and,
 * unless it may not be stored any more, in the store (RFC 9111 §3.2). */
void mfc_revalidate_renew(request_rec *r, mfc_ctx_t *ctx,
                          fcache_fields_t fields);

/* To the stored answer that was just prepared, what the one that confirmed it,
 * if one did, says to this client alone. */
void mfc_revalidate_tell(request_rec *r, const mfc_ctx_t *ctx,
                         const apr_table_t *said);

/* ---- stale.c ------------------------------------------------------------- */

/* Keeps the entry, in case that the origin fails. */
void mfc_stale_hold(request_rec *r, mfc_ctx_t *ctx);

/* May the entry that is held answer in the origin's place? */
int mfc_stale_may_answer(const mfc_ctx_t *ctx, fcache_stale_t cause);

/* The origin failed who asked it for all: 1 when the entry that was found is to
 * answer, which is then what was decided. */
int mfc_stale_decide(mfc_ctx_t *ctx);

/* The entry answers, as old as it has become while the origin was waited for. */
void mfc_stale_take(request_rec *r, mfc_ctx_t *ctx);

/* Why the handler failed: the origin said so, and mod_proxy keeps its answer to
 * itself (ProxyErrorOverride), or it said nothing. */
fcache_stale_t mfc_stale_cause(const request_rec *r, const mfc_ctx_t *ctx);

/* Is it a status that tells that the origin failed (RFC 5861 §4)? */
int mfc_stale_is_failure(int status);

/* Lets the entry take the place of the error page that is about to be sent;
 * with ctx->answer_sent nothing does. */
void mfc_stale_arm(request_rec *r, mfc_ctx_t *ctx);

/* ---- flight.c: one asks for all ------------------------------------------ */

/* Before the first request of a process. */
void mfc_flight_child_init(void);

/*
 * After a look-up and decide: 1 when it is to be done again, for something has
 * changed. May wait, for as long as the scope allows. With 0 the decision stands:
 * a follower's may have become to serve what is stale.
 */
int mfc_flight_turn(request_rec *r, mfc_ctx_t *ctx);

/* Does it ask for all who want the same? */
int mfc_flight_leads(const mfc_ctx_t *ctx);

/* Did it wait? And why the origin would have been asked. */
int mfc_flight_is_collapsed(const mfc_ctx_t *ctx,
                            fcache_forward_t *out_forward);

/* Random bits; 0 should there be none. */
uint64_t mfc_random(void);

/* Frees those who wait for this request, if it leads; any number of times. */
void mfc_flight_end(mfc_ctx_t *ctx, mfc_outcome_t outcome);

/* It was stored. */
void mfc_flight_stored(request_rec *r, mfc_ctx_t *ctx);

/* It was not, and why. */
void mfc_flight_refused(const request_rec *r, mfc_ctx_t *ctx,
                        fcache_reason_t reason);

/* ---- refresh.c: stale-while-revalidate ----------------------------------- */

/* Before the first request of a process, which refreshes nothing without. */
void mfc_refresh_child_init(apr_pool_t *pchild);

/* A pool with an allocator of its own, to go from thread to thread; or NULL. */
apr_pool_t *mfc_pool_create(void);

/* How many children of an MPM without threads are idle, or not yet started. */
int mfc_idle_children(int *out_children);

/* Could it be repeated behind, if it were served a stale entry? */
int mfc_refresh_can(const request_rec *r);

/* Says before a stale entry is served that it will be refreshed; start does so
 * when it has been. */
void mfc_refresh_promise(request_rec *r, mfc_ctx_t *ctx);

/* The same before a fresh one is served, if by chance it is due already. */
void mfc_refresh_early(request_rec *r, mfc_ctx_t *ctx);
void mfc_refresh_start(request_rec *r, const mfc_ctx_t *ctx);

/* The origin sent what is not to be stored: is the stale entry, which might be
 * served on, over with? */
void mfc_refresh_supersede(const request_rec *r, const mfc_ctx_t *ctx);

/* The connection on which the answer to a refresh is waited for. */
void mfc_refresh_watch(const request_rec *r, conn_rec *origin);

/* ---- repeat.c ------------------------------------------------------------ */

/*
 * The same request as a GET of its own in `pool`, ready for its handler; its
 * answer goes nowhere. NULL when one of the phases before the handler refuses
 * it, or it is not of that key any more. To be called while the connection of
 * `of` is there; `owner` is the caller's, found again by the connection.
 */
request_rec *mfc_repeat_create(const request_rec *of, const fcache_key_t *key,
                               void *owner, apr_pool_t *pool);
int mfc_repeat_is(const conn_rec *c);
void *mfc_repeat_owner(const conn_rec *c);

/* ---- invalidate.c -------------------------------------------------------- */

/* Watches the answer to a request that goes round the cache: when it was a write
 * that the origin accepted, what is stored for its URL goes. */
void mfc_bypass_arm(request_rec *r, mfc_ctx_t *ctx);

/* The same for an answer that httpd makes itself, a redirect say. */
void mfc_bypass_on_error(request_rec *r, mfc_ctx_t *ctx);

/* Did what was asked for succeed (2xx, 3xx)? */
int mfc_is_success(const request_rec *r);

/* Does that field of the answer name the request's own URL? */
int mfc_invalidate_is_own(request_rec *r, const mfc_ctx_t *ctx,
                          const char *field);

/* ---- tags.c -------------------------------------------------------------- */

/* The tag that all have that are stored for this request's URL, as a list in
 * the request's pool. */
fcache_status_t mfc_tags_of_url(request_rec *r, const mfc_ctx_t *ctx,
                                fcache_bytes_t *out_tags);

/* The tags of an answer with these fields, those of `before` among them, as a
 * list in the request's pool. What cannot have all of its tags is not stored. */
fcache_status_t mfc_tags_build(request_rec *r, const mfc_ctx_t *ctx,
                               fcache_fields_t fields, fcache_bytes_t before,
                               fcache_bytes_t *out_tags);

/* Takes what is for caches only out of the answer. */
void mfc_tags_strip(request_rec *r, const mfc_conf_t *conf);
int mfc_tags_is_stripped(const mfc_conf_t *conf, fcache_bytes_t name);

/* ---- post.c -------------------------------------------------------------- */

/* Watches the answer to a POST that goes round the cache, should it be the
 * content of its URL. */
void mfc_post_arm(request_rec *r, mfc_ctx_t *ctx);

/* Is the answer its URL's content? Before this write clears anything. */
void mfc_post_check(request_rec *r, mfc_ctx_t *ctx);

/* Judges the answer and, if it is, stores it while it passes. Most are let go.
 */
apr_status_t mfc_post_response(ap_filter_t *f, mfc_ctx_t *ctx,
                               apr_bucket_brigade *bb);

/* ---- framing.c ----------------------------------------------------------- */

/* An Expires that is no date is again what the origin sent. */
void mfc_framing_restore(request_rec *r, const mfc_ctx_t *ctx);

/* Of a body without Content-Length: can its end be told from a broken one? */
int mfc_framing_is_sound(const request_rec *r, const mfc_ctx_t *ctx);

/* ---- report.c ------------------------------------------------------------ */

/* Sets the one verdict and its reason, for the answer's field, the environment
 * and the notes. */
void mfc_report(request_rec *r, mfc_ctx_t *ctx, fcache_verdict_t verdict,
                fcache_reason_t reason);

/* The origin has answered: what it says in our fields is taken out, and kept
 * where it goes before what we say. */
void mfc_report_answer(request_rec *r, mfc_ctx_t *ctx);

/* Takes a Cache-Status that cannot be read out of the origin's answer. */
void mfc_report_sift(request_rec *r, const mfc_ctx_t *ctx);

/* As beside, for an answer that httpd makes itself. */
void mfc_report_error(request_rec *r, const mfc_ctx_t *ctx);

/* Puts the verdict's fields where errors do not touch them. */
void mfc_report_beside(request_rec *r, const mfc_ctx_t *ctx);

/* Puts the verdict's fields into the table; Cache-Status behind what is there.
 */
void mfc_report_fields(request_rec *r, const mfc_ctx_t *ctx,
                       apr_table_t *fields);

/* The request's line in the log. */
void mfc_report_log(const request_rec *r, const mfc_ctx_t *ctx);

/* ---- namespaces.c: counting ---------------------------------------------- */

/* The verdict on a request of a client. */
void mfc_namespaces_answered(const request_rec *r, const mfc_ctx_t *ctx);

/* An entry was put. */
void mfc_namespaces_stored(const request_rec *r, const mfc_ctx_t *ctx);

/* ---- debug.c ------------------------------------------------------------- */

/* The value of the debug field. */
const char *mfc_debug_text(request_rec *r, const mfc_ctx_t *ctx);

#endif
