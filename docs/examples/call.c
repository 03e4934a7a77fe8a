/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slow functions and their cached results: a number, a struct with arrays in it,
 * and one that may find nothing or fail.
 *
 *   cc call.c $(pkg-config --cflags --libs fcache) -o call
 *   ./call                                 in shared memory
 *   ./call redis://127.0.0.1:6379          or any other store
 */

#include <fcache/fcache.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- what the library leaves to the program ------------------------------ */

static int64_t clock_now(void *baton)
{
    (void)baton;
    return apr_time_now();
}

static void clock_wait(void *baton, int64_t pause_us)
{
    (void)baton;
    apr_sleep(pause_us);
}

static uint64_t random_bits(void *baton)
{
    uint64_t bits = 0;
    (void)baton;
    apr_generate_random_bytes((unsigned char *)&bits, sizeof(bits));
    return bits;
}

static const fcache_env_t env = {clock_now, clock_wait, random_bits, NULL};

static void check(fcache_status_t status, const fcache_error_t *error)
{
    if (status != FCACHE_OK) {
        fprintf(stderr, "%s: %s\n", fcache_status_text(status), error->text);
        exit(1);
    }
}

/* ---- a number ------------------------------------------------------------ */

static fcache_status_t sum(void *baton, const fcache_arg_t *args, size_t count,
                           void *out_value, apr_pool_t *pool,
                           fcache_error_t *error)
{
    int64_t *total = out_value;
    size_t i;

    (void)baton, (void)pool, (void)error;
    *total = 0;
    for (i = 0; i < count; i++) {
        *total += args[i].as.integer;
    }
    return FCACHE_OK;
}

static void call_sum(fcache_t *cache, apr_pool_t *pool)
{
    const fcache_arg_t args[] = {fcache_arg_int(INT64_C(9007199254740993)),
                                 fcache_arg_int(-1)};
    fcache_call_t call = {.module = "example", .function = "sum", .fn = sum};
    fcache_call_report_t report;
    fcache_error_t error = {""};
    int64_t total;
    int i;

    check(fcache_shape_coder_create("sum", fcache_shape_of(FCACHE_KIND_INT64),
                                    FCACHE_SHAPE_JSON, NULL, &call.coder, pool,
                                    &error),
          &error);
    for (i = 0; i < 2; i++) {
        check(fcache_call(cache, &call, args, 2, &env, &total, &report, pool,
                          &error),
              &error);
        printf("sum: %lld, %s\n", (long long)total,
               fcache_call_source_text(report.source));
    }
}

/* ---- a struct ------------------------------------------------------------ */

typedef struct line_t {
    fcache_bytes_t article;
    uint32_t pieces;
    fcache_bytes_t price; /* decimal */
} line_t;

static const fcache_member_t line_members[] = {
    FCACHE_MEMBER(line_t, article, FCACHE_KIND_STRING),
    FCACHE_MEMBER(line_t, pieces, FCACHE_KIND_UINT32),
    FCACHE_MEMBER(line_t, price, FCACHE_KIND_DECIMAL),
};
static const fcache_shape_t line_shape = FCACHE_SHAPE(line_t, line_members);

typedef struct order_t {
    uint64_t number;
    int64_t placed_us; /* since 1970 */
    int32_t due;       /* days since 1970 */
    fcache_bytes_t seal;
    const line_t *lines;
    size_t line_count;
    const fcache_bytes_t *note; /* NULL: none */
} order_t;

static const fcache_member_t order_members[] = {
    FCACHE_MEMBER(order_t, number, FCACHE_KIND_UINT64),
    FCACHE_MEMBER(order_t, placed_us, FCACHE_KIND_TIME),
    FCACHE_MEMBER(order_t, due, FCACHE_KIND_DATE),
    FCACHE_MEMBER(order_t, seal, FCACHE_KIND_BYTES),
    FCACHE_ARRAY(order_t, lines, line_count, FCACHE_KIND_SHAPE, &line_shape),
    FCACHE_OPTIONAL(order_t, note, FCACHE_KIND_STRING, NULL),
};
static const fcache_shape_t order_shape = FCACHE_SHAPE(order_t, order_members);

static const line_t lines[] = {
    {{"Caf\xc3\xa9", 5}, 3, {"12.50", 5}},
    {{"Tea", 3}, 1, {"0.10", 4}},
};

static fcache_status_t load_order(void *baton, const fcache_arg_t *args,
                                  size_t count, void *out_value,
                                  apr_pool_t *pool, fcache_error_t *error)
{
    order_t *order = out_value;

    (void)baton, (void)count, (void)pool, (void)error;
    *order = (order_t){.number = args[0].as.natural,
                       .placed_us = INT64_C(1709251199999999),
                       .due = 19782,
                       .seal = {"\0\xff\0", 3},
                       .lines = lines,
                       .line_count = 2};
    return FCACHE_OK;
}

static void print_order(const order_t *order, const char *source)
{
    size_t i;

    printf("order %llu of %lld, due on day %d, seal of %lu bytes, %s, %s\n",
           (unsigned long long)order->number, (long long)order->placed_us,
           (int)order->due, (unsigned long)order->seal.len,
           order->note ? "with a note" : "without a note", source);
    for (i = 0; i < order->line_count; i++) {
        printf("  %u %s at %s\n", (unsigned)order->lines[i].pieces,
               order->lines[i].article.ptr, order->lines[i].price.ptr);
    }
}

static void call_order(fcache_t *cache, apr_pool_t *pool)
{
    const fcache_arg_t args[] = {fcache_arg_uint(UINT64_MAX)};
    fcache_call_t call = {
        .module = "example",
        .function = "load_order",
        .fn = load_order,
        .ns = "orders",
        .expire_us = 60 * FCACHE_US_PER_S,
        .stale_us = 30 * FCACHE_US_PER_S,            /* while one computes */
        .stale_if_error_us = 3600 * FCACHE_US_PER_S, /* when that fails */
        .wait_us = 5 * FCACHE_US_PER_S, /* for whoever computes it already */
    };
    const fcache_scope_t orders = {.kind = FCACHE_SCOPE_NAMESPACE,
                                   .prefix = fcache_str("examples"),
                                   .ns = fcache_str("orders")};
    fcache_call_report_t report;
    fcache_error_t error = {""};
    order_t order;
    int i;

    check(fcache_shape_coder_create("order", &order_shape, FCACHE_SHAPE_JSON,
                                    NULL, &call.coder, pool, &error),
          &error);
    for (i = 0; i < 3; i++) {
        if (i == 2) {
            check(fcache_clear(cache, &orders, 1, &error), &error);
        }
        check(fcache_call(cache, &call, args, 1, &env, &order, &report, pool,
                          &error),
              &error);
        print_order(&order, fcache_call_source_text(report.source));
    }
}

/* ---- nothing, and errors ------------------------------------------------- */

static fcache_status_t find_user(void *baton, const fcache_arg_t *args,
                                 size_t count, void *out_value,
                                 apr_pool_t *pool, fcache_error_t *error)
{
    (void)baton, (void)count, (void)out_value, (void)pool;
    return args[0].kind == FCACHE_ARG_STRING
               ? fcache_error_set(error, FCACHE_MISS, "no such user")
               : fcache_error_set(error, FCACHE_BAD_INPUT, "not a name");
}

static void call_user(fcache_t *cache, apr_pool_t *pool)
{
    const fcache_arg_t args[] = {fcache_arg_str("nobody"),
                                 fcache_arg_str("nobody"), fcache_arg_int(1),
                                 fcache_arg_int(1)};
    const fcache_call_t call = {.module = "example",
                                .function = "find_user",
                                .fn = find_user,
                                .negative_us = 5 * FCACHE_US_PER_S};
    fcache_call_report_t report;
    fcache_error_t error = {""};
    fcache_bytes_t name;
    size_t i;

    for (i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
        fcache_status_t status = fcache_call(cache, &call, &args[i], 1, &env,
                                             &name, &report, pool, &error);
        printf("user: %s, %s\n", fcache_status_text(status),
               fcache_call_source_text(report.source));
    }
}

int main(int argc, char **argv)
{
    const fcache_options_t options = {
        .store = argc > 1 ? argv[1] : "memory:?size=4M", .prefix = "examples"};
    const fcache_scope_t all = {.kind = FCACHE_SCOPE_PREFIX,
                                .prefix = fcache_str("examples")};
    fcache_error_t error = {""};
    apr_pool_t *pool;
    fcache_t *cache;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    check(fcache_create(&options, &cache, pool, &error), &error);
    check(fcache_clear(cache, &all, 1, &error), &error);
    call_sum(cache, pool);
    call_order(cache, pool);
    call_user(cache, pool);
    fcache_destroy(cache);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
