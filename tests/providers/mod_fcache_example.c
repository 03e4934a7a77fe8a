/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another module does to be used by mod_fcache: it registers providers.
 *
 *   FCacheKeyBuilder provider:plan   adds the request's X-Plan, refuses "secret"
 *   FCacheCoder      mirror          keeps bodies back to front
 *   FCacheBackend    late:           see late_store.c
 *
 * And it calls functions: SetHandler fcache-example purges what its query says,
 * "tag=a", and then keeps the query as a value.
 */
#include "late_store.h"

#include <mod_fcache.h>

#include <ap_provider.h>
#include <apr_strings.h>
#include <httpd.h>

#include <http_config.h>
#include <http_protocol.h>

extern module AP_MODULE_DECLARE_DATA fcache_example_module
    __attribute__((visibility("default")));

/* ---- a key builder --------------------------------------------------------- */

static fcache_status_t plan_build(void *baton, const fcache_request_t *request,
                                  fcache_tuple_t *tuple, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    fcache_bytes_t plan = fcache_fields_get(request->fields, "X-Plan");

    (void)pool;
    if (fcache_bytes_equal(plan, fcache_str("secret"))) {
        return fcache_error_set(error, FCACHE_BAD_INPUT, "not for caches");
    }
    return fcache_tuple_add(tuple, baton, plan);
}

static char plan_label[] = "plan";
static const mod_fcache_key_provider_t plan = {plan_build, plan_label};

/* ---- a coder ---------------------------------------------------------------- */

/* "STATUS LENGTH-OF-FIELDS\n", the fields, the body back to front. */
static fcache_status_t mirror_encode(const fcache_coder_t *coder,
                                     const void *value, fcache_buf_t *out,
                                     fcache_error_t *error)
{
    const fcache_response_value_t *response = value;
    fcache_status_t status;
    char head[64];
    size_t i;

    (void)coder;
    apr_snprintf(head, sizeof(head), "%d %" APR_SIZE_T_FMT "\n",
                 response->status, response->fields.len);
    status = fcache_buf_append(out, fcache_str(head));
    if (status == FCACHE_OK) {
        status = fcache_buf_append(out, response->fields);
    }
    for (i = response->body.len; i > 0 && status == FCACHE_OK; i--) {
        status =
            fcache_buf_append(out, fcache_bytes(response->body.ptr + i - 1, 1));
    }
    return fcache_error_set(error, status, "mirror: %s",
                            fcache_status_text(status));
}

static fcache_status_t mirror_decode(const fcache_coder_t *coder,
                                     fcache_bytes_t bytes, void *out_value,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    fcache_response_value_t *response = out_value;
    const char *end = memchr(bytes.ptr, '\n', bytes.len);
    fcache_bytes_t rest;
    apr_int64_t fields_len;
    char *space = NULL;
    char *body;
    size_t i;

    (void)coder;
    if (end == NULL) {
        return fcache_error_set(error, FCACHE_CORRUPT, "mirror without head");
    }
    rest = fcache_bytes(end + 1, bytes.len - (size_t)(end + 1 - bytes.ptr));
    response->status = (int)apr_strtoi64(bytes.ptr, &space, 10);
    fields_len = apr_strtoi64(space, NULL, 10);
    if (fields_len < 0 || (apr_uint64_t)fields_len > rest.len) {
        return fcache_error_set(error, FCACHE_CORRUPT, "mirror is broken");
    }
    response->fields = fcache_bytes(rest.ptr, (size_t)fields_len);
    rest = fcache_bytes(rest.ptr + fields_len, rest.len - (size_t)fields_len);
    body = apr_palloc(pool, rest.len + 1);
    for (i = 0; i < rest.len; i++) {
        body[i] = rest.ptr[rest.len - 1 - i];
    }
    response->body = fcache_bytes(body, rest.len);
    return FCACHE_OK;
}

static const fcache_coder_t mirror = {
    "mirror", FCACHE_CODER_RESPONSE, 0, mirror_encode, mirror_decode, NULL};

/* ---- functions -------------------------------------------------------------- */

static APR_OPTIONAL_FN_TYPE(mod_fcache_purge) * purge;
static APR_OPTIONAL_FN_TYPE(mod_fcache_cache) * cache_of;

static void find_functions(void)
{
    purge = APR_RETRIEVE_OPTIONAL_FN(mod_fcache_purge);
    cache_of = APR_RETRIEVE_OPTIONAL_FN(mod_fcache_cache);
}

static int put_value(request_rec *r, const char *text)
{
    fcache_tuple_t *tuple = fcache_tuple_create(r->pool);
    fcache_t *cache = cache_of(r);
    fcache_key_t key;

    return fcache_tuple_add(tuple, "key", fcache_str("example")) == FCACHE_OK &&
           fcache_key_from_tuple(tuple, fcache_str("fcache"),
                                 fcache_str("example"), &key, r->pool,
                                 NULL) == FCACHE_OK &&
           fcache_put(cache, &key, fcache_str(text), 60, fcache_str(NULL),
                      fcache_epoch(cache), r->request_time, NULL) == FCACHE_OK;
}

static int call_functions(request_rec *r)
{
    char *kind = apr_pstrdup(r->pool, r->args ? r->args : "");
    char *value = strchr(kind, '=');
    fcache_error_t error = {""};
    fcache_status_t status;

    if (r->handler == NULL || strcmp(r->handler, "fcache-example") != 0) {
        return DECLINED;
    }
    if (value != NULL) {
        *value++ = '\0';
    }
    status = purge(r, kind, value, 0, &error);
    ap_rprintf(r, "%s %d %s", fcache_status_name(status),
               put_value(r, r->args ? r->args : ""), error.text);
    return OK;
}

/* ---- a function whose results are cached ------------------------------------- */

static int64_t clock_now(void *baton)
{
    (void)baton;
    return apr_time_now();
}

static const fcache_env_t env = {clock_now, NULL, NULL, NULL};

static fcache_status_t slow_text(void *baton, const fcache_arg_t *args,
                                 size_t count, void *out_value,
                                 apr_pool_t *pool, fcache_error_t *error)
{
    fcache_bytes_t *text = out_value;

    (void)baton;
    (void)count;
    (void)error;
    *text = fcache_str(apr_psprintf(pool, "%.*s %" APR_TIME_T_FMT,
                                    (int)args[0].as.bytes.len,
                                    args[0].as.bytes.ptr, apr_time_now()));
    return FCACHE_OK;
}

static int call_slow_text(request_rec *r)
{
    static const fcache_call_t call = {.module = "example",
                                       .function = "slow_text",
                                       .fn = slow_text,
                                       .ns = "example"};
    const fcache_arg_t args[] = {fcache_arg_str(r->args ? r->args : "")};
    fcache_call_report_t report;
    fcache_bytes_t text;

    if (r->handler == NULL || strcmp(r->handler, "fcache-example-call") != 0) {
        return DECLINED;
    }
    if (fcache_call(cache_of(r), &call, args, 1, &env, &text, &report, r->pool,
                    NULL) != FCACHE_OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_rprintf(r, "%s, %.*s", fcache_call_source_text(report.source),
               (int)text.len, text.ptr);
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    ap_hook_optional_fn_retrieve(find_functions, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(call_functions, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(call_slow_text, NULL, NULL, APR_HOOK_MIDDLE);
    ap_register_provider(pool, MOD_FCACHE_KEY_PROVIDER, "plan",
                         MOD_FCACHE_PROVIDER_VERSION, &plan);
    ap_register_provider(pool, MOD_FCACHE_CODER_PROVIDER, "mirror",
                         MOD_FCACHE_PROVIDER_VERSION, &mirror);
    ap_register_provider(pool, MOD_FCACHE_BACKEND_PROVIDER, "late",
                         MOD_FCACHE_PROVIDER_VERSION, &late_store_ops);
    ap_register_provider(pool, MOD_FCACHE_BACKEND_PROVIDER, "deaf",
                         MOD_FCACHE_PROVIDER_VERSION, &deaf_store_ops);
    ap_register_provider(pool, MOD_FCACHE_BACKEND_PROVIDER, "mute",
                         MOD_FCACHE_PROVIDER_VERSION, &mute_store_ops);
}

AP_DECLARE_MODULE(fcache_example) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
    AP_MODULE_FLAG_NONE};
