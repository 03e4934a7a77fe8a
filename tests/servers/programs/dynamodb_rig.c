/* SPDX-License-Identifier: Apache-2.0 */
#include "dynamodb_rig.h"

#include "backend_url.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <stdlib.h>
#include <unistd.h>

fcn_deadline_t rig_soon(void)
{
    return fcn_deadline_in(INT64_C(10000000));
}

static fcache_backend_conf_t conf_of(apr_pool_t *pool,
                                     const char *const *change)
{
    const char *url = getenv("FCACHE_URL");
    fci_backend_url_t parsed;
    assert_non_null(url);
    assert_int_equal(fci_backend_url_parse(url, NULL, &parsed, pool, NULL),
                     FCACHE_OK);
    for (; change && change[0]; change += 2) {
        if (change[1][0]) {
            apr_table_set(parsed.options, change[0], change[1]);
        } else {
            apr_table_unset(parsed.options, change[0]);
        }
    }
    return (fcache_backend_conf_t){
        .name = "test",
        .scheme = "dynamodb",
        .location = parsed.location,
        .options = parsed.options,
    };
}

static void must(fcache_status_t status, const fcache_error_t *error)
{
    if (status != FCACHE_OK) {
        print_error("%s\n", error->text);
    }
    assert_int_equal(status, FCACHE_OK);
}

rig_t *rig_open(apr_pool_t *pool, const char *const *change)
{
    static int count;
    rig_t *rig = apr_pcalloc(pool, sizeof(*rig));
    fcache_error_t error = {""};
    fcache_backend_conf_t conf = conf_of(pool, change);
    int is_local = 0;
    assert_int_equal(fcn_limits_parse(apr_table_make(pool, 1),
                                      fcd_client.limits, &rig->limits, NULL),
                     FCACHE_OK);
    rig->limits.read_us = rig->limits.connect_us = 5000000;
    rig->pool = pool;
    rig->server = apr_table_get(conf.options, "endpoint");
    must(fcd_client.create(&conf, &rig->limits, &rig->self, &is_local, pool,
                           &error),
         &error);
    rig->store = rig->self;
    rig->prefix = apr_psprintf(pool, "t%d-%d", (int)getpid(), ++count);
    must(fcn_shared_open(rig->prefix, pool, &rig->shared, &error), &error);
    must(fcd_client.open(rig->self, rig->shared, &error), &error);
    must(fcd_client.child_init(rig->self, pool, &error), &error);
    if (!change) {
        rig_control(rig, "{\"faults\":[],\"skew_s\":0,\"life_s\":3600}");
    }
    return rig;
}

const char *rig_control(const rig_t *rig, const char *json)
{
    fcache_error_t error = {""};
    fcd_http_t *http = NULL;
    fcd_answer_t answer = {0};
    fcache_buf_t reply;
    fcd_call_t call = {
        .method = "POST",
        .url = apr_pstrcat(rig->pool, rig->server, "/_control", NULL),
        .body = fcache_str(json),
        .reply = &reply,
        .connect_us = 5000000,
        .read_us = 5000000,
        .deadline = rig_soon(),
    };
    fcache_buf_init(&reply, 1 << 20);
    must(fcd_http_create(NULL, NULL, NULL, &http, &error), &error);
    must(fcd_http_call(http, &call, &answer, &error), &error);
    assert_int_equal(answer.status, 200);
    char *text = apr_pstrmemdup(rig->pool, reply.ptr, reply.len);
    fcache_buf_fini(&reply);
    fcd_http_close(http);
    return text;
}

fcache_bytes_t rig_name(const rig_t *rig, const char *text)
{
    return fcache_str(apr_psprintf(rig->pool, "%s:%s", rig->prefix, text));
}

fcache_status_t rig_fetch(const rig_t *rig, const char *name,
                          fcr_found_t *out_found, fcache_error_t *out_error)
{
    fcache_bytes_t full = rig_name(rig, name);
    return fcd_client.fetch(rig->self, full, &full, 1, out_found, rig_soon(),
                            rig->pool, out_error);
}

uint64_t rig_tick(const rig_t *rig, const char *counter, uint64_t floor)
{
    uint64_t clock = 0;
    fcache_error_t error = {""};
    fcache_bytes_t name = rig_name(rig, counter);
    fcache_status_t status =
        fcd_client.tick(rig->self, NULL, rig_name(rig, "clock"), &name, 1,
                        floor, &clock, rig_soon(), &error);
    must(status, &error);
    return clock;
}

static fcache_bytes_t value_of(const rig_t *rig, char stamp, const char *text)
{
    size_t len = strlen(text);
    char *value = apr_palloc(rig->pool, FCR_STAMP_BYTES + len + 1);
    memset(value, stamp, FCR_STAMP_BYTES);
    memcpy(value + FCR_STAMP_BYTES, text, len);
    return fcache_bytes(value, FCR_STAMP_BYTES + len);
}

fcache_status_t rig_put(const rig_t *rig, const char *name, char stamp,
                        const char *text, fcr_mode_t mode,
                        const fcr_found_t *old, fcache_error_t *out_error)
{
    fcache_bytes_t value = value_of(rig, stamp, text);
    const fcache_bytes_t pieces[] = {
        fcache_bytes(value.ptr, 5),
        {NULL, 0},
        fcache_bytes(value.ptr + 5, value.len - 5),
    };
    fcr_store_t item = {
        .name = rig_name(rig, name),
        .pieces = pieces,
        .piece_count = COUNT(pieces),
        .mode = mode,
        .old = old,
        .ttl_us = INT64_C(60000000),
        .now_us = apr_time_now(),
    };
    return fcd_client.store(rig->self, &item, rig_soon(), out_error);
}

void rig_check(const rig_t *rig, const char *name, char stamp, const char *text)
{
    fcr_found_t found;
    fcache_error_t error = {""};
    must(rig_fetch(rig, name, &found, &error), &error);
    assert_int_equal(found.exists, text != NULL);
    if (text) {
        assert_true(
            fcache_bytes_equal(found.value, value_of(rig, stamp, text)));
    }
}
