/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <apr_time.h>

#include <stdio.h>

#define TARGET "DynamoDB_20120810."
#define SKEW_S 30 /* less than this is not why a signature was refused */
#define OP_MAX 64

/* ---- connections --------------------------------------------------------- */

static fcache_status_t open_conn(void *baton, const fcn_endpoint_t *endpoint,
                                 const fcn_address_t *address,
                                 fcn_deadline_t deadline, void **out_conn,
                                 fcache_error_t *error)
{
    const fcd_service_t *service = baton;
    fcd_http_t *http = NULL;
    (void)deadline; /* the first call connects */
    fcache_status_t status =
        fcd_http_create(service->trust, endpoint, address, &http, error);
    *out_conn = http;
    return status;
}

static void close_conn(void *conn)
{
    fcd_http_close(conn);
}

static const fcn_conn_ops_t conn_ops = {
    .open = open_conn,
    .close = close_conn,
};

fcache_status_t fcd_service_join(fcd_service_t *service, apr_pool_t *pool,
                                 fcache_error_t *error)
{
    fcn_resolver_t *resolver = NULL;
    fcache_status_t status =
        fcn_resolver_create(service->limits, &resolver, pool, error);
    if (status == FCACHE_OK) {
        status = fcn_node_create(&service->endpoint, service->limits,
                                 service->shared, resolver, &conn_ops, service,
                                 &service->node, pool, error);
    }
    if (status == FCACHE_OK) {
        status = fcd_credentials_create(
            &service->source, service->has_first ? &service->first : NULL,
            service->region, &service->credentials, pool, error);
    }
    return status;
}

/* ---- calls --------------------------------------------------------------- */

/* One request as it is sent. */
typedef struct attempt_t {
    char stamp[FCD_STAMP_LEN + 1];
    char target[sizeof(TARGET) + OP_MAX];
    char authorization[FCD_AUTH_MAX];
    fcd_pass_t pass;
    fcd_header_t headers[6];
    size_t header_count;
    int64_t skew_s; /* that it was signed with */
    fcd_answer_t answer;
    int again;        /* worth another */
    int is_corrected; /* the clock was, before */
    int unreachable;  /* addresses that were tried */
} attempt_t;

static int64_t local_s(void)
{
    return apr_time_sec(apr_time_now());
}

static void add(attempt_t *attempt, const char *name, const char *value)
{
    fcd_header_t header = {fcache_str(name), fcache_str(value)};
    attempt->headers[attempt->header_count++] = header;
}

/* The fields that are signed, in order. */
static void add_headers(const fcd_service_t *service,
                        const fcd_exchange_t *exchange, attempt_t *attempt)
{
    snprintf(attempt->target, sizeof(attempt->target), TARGET "%s",
             exchange->operation);
    attempt->header_count = 0;
    add(attempt, "content-type", "application/x-amz-json-1.0");
    add(attempt, "host", service->host);
    add(attempt, "x-amz-date", attempt->stamp);
    if (attempt->pass.token[0]) {
        add(attempt, "x-amz-security-token", attempt->pass.token);
    }
    add(attempt, "x-amz-target", attempt->target);
}

static fcache_status_t sign(fcd_service_t *service,
                            const fcd_exchange_t *exchange, attempt_t *attempt,
                            fcache_error_t *error)
{
    attempt->skew_s = atomic_load(&service->skew_s);
    int64_t now_s = local_s() + attempt->skew_s;
    fcd_signable_t request = {
        .method = fcache_str("POST"),
        .path = fcache_str("/"),
        .headers = attempt->headers,
        .body = exchange->body,
    };
    fcd_stamp(now_s, attempt->stamp);
    fcache_status_t status =
        fcd_credentials_get(service->credentials, attempt->stamp, now_s,
                            exchange->deadline, &attempt->pass, error);
    if (status != FCACHE_OK) {
        return status;
    }
    add_headers(service, exchange, attempt);
    request.header_count = attempt->header_count;
    fcd_signer_t signer = {
        .key_id = fcache_str(attempt->pass.key_id),
        .region = fcache_str(service->region),
        .service = fcache_str("dynamodb"),
        .key = &attempt->pass.key,
        .stamp = attempt->stamp,
    };
    status = fcd_sign(&signer, &request, attempt->authorization);
    if (status != FCACHE_OK) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "the request cannot be signed");
    }
    add(attempt, "authorization", attempt->authorization);
    return FCACHE_OK;
}

static fcache_status_t post(const fcd_service_t *service, fcd_http_t *http,
                            const fcd_exchange_t *exchange, attempt_t *attempt,
                            fcache_error_t *error)
{
    fcache_error_t why;
    fcd_call_t call = {
        .method = "POST",
        .url = service->url,
        .headers = attempt->headers,
        .header_count = attempt->header_count,
        .body = exchange->body,
        .reply = exchange->reply,
        .connect_us = service->limits->connect_us,
        .read_us =
            exchange->read_us ? exchange->read_us : service->limits->read_us,
        .deadline = exchange->deadline,
    };
    fcache_status_t status = fcd_http_call(http, &call, &attempt->answer, &why);
    return status == FCACHE_OK
               ? status
               : fcache_error_set(error, status, "DynamoDB at %s: %s",
                                  service->endpoint.text, why.text);
}

/* Was the clock wrong, and is it right now? */
static int correct_clock(fcd_service_t *service, const attempt_t *attempt)
{
    int64_t theirs_s = attempt->answer.date_s;
    if (theirs_s == 0 || attempt->is_corrected) {
        return 0;
    }
    int64_t skew_s = theirs_s - local_s();
    int64_t change_s = skew_s - attempt->skew_s;
    if (change_s > -SKEW_S && change_s < SKEW_S) {
        return 0;
    }
    atomic_store(&service->skew_s, skew_s);
    return 1;
}

/* What came of it, and is it worth another signature? */
static fcache_status_t judge(fcd_service_t *service, fcd_exchange_t *exchange,
                             attempt_t *attempt, fcache_error_t *error)
{
    fcache_bytes_t reply = fcache_buf_bytes(exchange->reply);
    if (attempt->answer.status == 200) {
        return exchange->read ? exchange->read(exchange->baton, reply, error)
                              : FCACHE_OK;
    }
    exchange->failure = fcd_reply_failure(attempt->answer.status, reply, error);
    switch (exchange->failure.remedy) {
    case FCD_REMEDY_CREDENTIALS:
        fcd_credentials_renew(service->credentials, attempt->pass.version);
        break;
    case FCD_REMEDY_CLOCK:
        attempt->again = correct_clock(service, attempt);
        attempt->is_corrected = 1;
        break;
    case FCD_REMEDY_NONE:
    case FCD_REMEDY_TABLE:
    case FCD_REMEDY_AGAIN:
        break;
    }
    return exchange->failure.status;
}

/* Nobody was there: to the name's next address? Then the lease is given back. */
static int may_move(fcd_service_t *service, const fcd_exchange_t *exchange,
                    attempt_t *attempt, fcn_lease_t *lease)
{
    const fcn_address_t *address = fcd_http_unreachable(lease->conn);
    return address &&
           fcn_node_may_move(service->node, lease, address,
                             ++attempt->unreachable, exchange->deadline);
}

static fcache_status_t try_once(fcd_service_t *service,
                                fcd_exchange_t *exchange, attempt_t *attempt,
                                fcache_error_t *error)
{
    fcn_lease_t lease;
    attempt->again = 0;
    fcache_status_t status = sign(service, exchange, attempt, error);
    if (status == FCACHE_OK) {
        status =
            fcn_node_take(service->node, exchange->deadline, &lease, error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    status = post(service, lease.conn, exchange, attempt, error);
    if (status == FCACHE_OK) {
        status = judge(service, exchange, attempt, error);
    } else if (may_move(service, exchange, attempt, &lease)) {
        attempt->again = 1;
        return status;
    }
    fcn_node_give(service->node, &lease, attempt->again ? FCACHE_OK : status);
    return status;
}

fcache_status_t fcd_service_call(fcd_service_t *service,
                                 fcd_exchange_t *exchange,
                                 fcache_error_t *error)
{
    attempt_t attempt;
    fcache_status_t status;
    fcd_failure_t none = {.status = FCACHE_OK};
    exchange->failure = none;
    attempt.is_corrected = attempt.unreachable = 0;
    do {
        status = try_once(service, exchange, &attempt, error);
    } while (attempt.again);
    fcd_pass_erase(&attempt.pass);
    return status;
}
