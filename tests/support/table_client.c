/* SPDX-License-Identifier: Apache-2.0 */
#include "table_client.h"

#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>

static table_t *made; /* by table_create, for the create of a store */

static int is_counter(fcache_bytes_t name)
{
    return name.len > 0 && name.ptr[0] == '{';
}

static uint32_t clock_of(void *self, fcache_bytes_t home)
{
    const table_t *table = self;
    return table->two_clocks && home.len > 0 && !is_counter(home)
               ? (uint32_t)home.ptr[home.len - 1] % TABLE_CLOCKS
               : 0;
}

/* ---- rows; under the lock ------------------------------------------------ */

/* Counters have a copy for each clock: its number is put behind their names. */
static void row_name(fcache_bytes_t name, unsigned clock_no,
                     char out[FCR_NAME_MAX + 1])
{
    if (is_counter(name)) {
        snprintf(out, FCR_NAME_MAX + 1, "%.*s@%u", (int)name.len, name.ptr,
                 clock_no);
    } else {
        snprintf(out, FCR_NAME_MAX + 1, "%.*s", (int)name.len, name.ptr);
    }
}

static table_row_t *find(table_t *table, fcache_bytes_t name, unsigned clock_no)
{
    char text[FCR_NAME_MAX + 1];
    row_name(name, clock_no, text);
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        if (table->rows[i].used && strcmp(table->rows[i].name, text) == 0) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static table_row_t *find_or_add(table_t *table, fcache_bytes_t name,
                                unsigned clock_no)
{
    table_row_t *row = find(table, name, clock_no);
    for (size_t i = 0; i < TABLE_ROWS && !row; i++) {
        if (!table->rows[i].used) {
            row = &table->rows[i];
            *row = (table_row_t){.used = 1};
            row_name(name, clock_no, row->name);
        }
    }
    return row;
}

static void forget(table_row_t *row)
{
    free(row->value);
    *row = (table_row_t){0};
}

static void assign(table_t *table, table_row_t *row, fcache_bytes_t value)
{
    char *copy = malloc(value.len + 1);
    if (copy && value.len) {
        memcpy(copy, value.ptr, value.len);
    }
    free(row->value);
    row->value = copy;
    row->len = value.len;
    row->cas = ++table->cas;
}

static uint64_t number(const table_row_t *row)
{
    char text[32] = "";
    if (row) {
        memcpy(text, row->value, row->len < 31 ? row->len : 31);
    }
    return strtoull(text, NULL, 10);
}

/* ---- the client ---------------------------------------------------------- */

static void run_hook(table_t *table, void (**hook)(void *baton))
{
    void (*run)(void *baton) = *hook;
    *hook = NULL;
    if (run) {
        run(table->hook_baton);
    }
}

static fcache_status_t create(const fcache_backend_conf_t *conf,
                              const fcn_limits_t *limits, void **out_self,
                              int *out_is_local, apr_pool_t *pool,
                              fcache_error_t *error)
{
    (void)limits;
    (void)pool;
    (void)error;
    *out_self = made;
    *out_is_local = strcmp(conf->location, "far") != 0;
    return FCACHE_OK;
}

static fcache_status_t open_table(void *self, fcn_shared_t *shared,
                                  fcache_error_t *error)
{
    (void)self;
    (void)shared;
    (void)error;
    return FCACHE_OK;
}

static fcache_status_t child_init(void *self, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    (void)self;
    (void)pool;
    (void)error;
    return FCACHE_OK;
}

static fcache_status_t fetch(void *self, fcache_bytes_t home,
                             const fcache_bytes_t *names, size_t count,
                             fcr_found_t *out_found, fcn_deadline_t deadline,
                             apr_pool_t *pool, fcache_error_t *error)
{
    table_t *table = self;
    (void)deadline;
    run_hook(table, &table->hook);
    pthread_mutex_lock(&table->lock);
    table->fetches++;
    table->names += (unsigned)count;
    fcache_status_t status = table->fail_fetch;
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        const table_row_t *row = find(table, names[i], clock_of(self, home));
        if (table->clock_is_hidden && is_counter(names[i])) {
            row = NULL;
        }
        out_found[i] = (fcr_found_t){row != NULL, {NULL, 0}, 0};
        if (row) {
            out_found[i].value = fcache_bytes(
                apr_pmemdup(pool, row->value, row->len + 1), row->len);
            out_found[i].cas = row->cas;
        }
    }
    table->clock_is_hidden = 0;
    pthread_mutex_unlock(&table->lock);
    run_hook(table, &table->after);
    return status == FCACHE_OK ? status
                               : fcache_error_set(error, status, "told to");
}

static fcache_status_t put(table_t *table, const fcr_store_t *store)
{
    table_row_t *row = find(table, store->name, 0);
    if ((store->mode == FCR_ADD && row) ||
        (store->mode == FCR_REPLACE &&
         (!row || !store->old->exists || row->cas != store->old->cas))) {
        return FCACHE_EXISTS;
    }
    fcache_buf_t value;
    fcache_status_t status = FCACHE_OK;
    fcache_buf_init(&value, (size_t)table->max_value);
    for (size_t i = 0; i < store->piece_count && status == FCACHE_OK; i++) {
        status = fcache_buf_append(&value, store->pieces[i]);
    }
    row = status == FCACHE_OK ? find_or_add(table, store->name, 0) : NULL;
    if (row) {
        assign(table, row, fcache_buf_bytes(&value));
        row->ttl_us = store->ttl_us;
    }
    fcache_buf_fini(&value);
    return status == FCACHE_OK && !row ? FCACHE_NO_MEMORY : status;
}

static fcache_status_t store(void *self, const fcr_store_t *what,
                             fcn_deadline_t deadline, fcache_error_t *error)
{
    table_t *table = self;
    (void)deadline;
    run_hook(table, &table->hook);
    pthread_mutex_lock(&table->lock);
    table->stores++;
    fcache_status_t status = table->fail_store;
    for (int i = 0; i <= table->repeats && status == FCACHE_OK; i++) {
        status = put(table, what);
    }
    pthread_mutex_unlock(&table->lock);
    return fcache_status_is_fault(status)
               ? fcache_error_set(error, status, "told to")
               : status;
}

static fcache_status_t remove_name(void *self, fcache_bytes_t name,
                                   fcn_deadline_t deadline,
                                   fcache_error_t *error)
{
    table_t *table = self;
    fcache_status_t status = table->fail_remove;
    (void)deadline;
    pthread_mutex_lock(&table->lock);
    table->removes++;
    if (status == FCACHE_OK) {
        table_row_t *row = find(table, name, 0);
        status = row ? FCACHE_OK : FCACHE_MISS;
        if (row) {
            forget(row);
        }
    }
    pthread_mutex_unlock(&table->lock);
    return fcache_error_set(error, status, "told to");
}

static void set_number(table_t *table, fcache_bytes_t name, unsigned clock_no,
                       uint64_t value)
{
    char text[32];
    table_row_t *row = find_or_add(table, name, clock_no);
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    if (row) {
        assign(table, row, fcache_bytes(text, (size_t)len));
    }
}

static int is_repaired(table_t *table, const fcr_repair_t *repair,
                       unsigned clock_no, fcache_bytes_t clock,
                       fcache_bytes_t counter)
{
    const table_row_t *row = find(table, clock, clock_no);
    return row && number(row) >= repair->known &&
           number(row) == number(find(table, counter, clock_no));
}

static fcache_status_t tick(void *self, const fcr_repair_t *repair,
                            fcache_bytes_t clock,
                            const fcache_bytes_t *counters, size_t count,
                            uint64_t floor, uint64_t *out_clock,
                            fcn_deadline_t deadline, fcache_error_t *error)
{
    table_t *table = self;
    unsigned first = repair ? clock_of(self, repair->home) : 0;
    unsigned last = repair ? first : table->two_clocks ? TABLE_CLOCKS - 1 : 0;
    uint64_t value = floor;
    (void)deadline;
    pthread_mutex_lock(&table->lock);
    if (repair && is_repaired(table, repair, first, clock, counters[0])) {
        *out_clock = number(find(table, clock, first));
        pthread_mutex_unlock(&table->lock);
        return FCACHE_OK;
    }
    table->ticks++;
    table->ticked += (unsigned)count;
    for (unsigned i = first; i <= last; i++) {
        uint64_t old = number(find(table, clock, i));
        value = old >= value ? old + 1 : value;
    }
    for (unsigned i = first; i <= last && table->fail_tick == FCACHE_OK; i++) {
        for (size_t j = 0; j < count; j++) {
            set_number(table, counters[j], i, value);
        }
        set_number(table, clock, i, value);
    }
    pthread_mutex_unlock(&table->lock);
    if (table->fail_tick != FCACHE_OK) {
        return fcache_error_set(error, table->fail_tick, "told to");
    }
    *out_clock = value;
    return FCACHE_OK;
}

static fcache_status_t seed(void *self, fcache_bytes_t home,
                            fcache_bytes_t clock,
                            const fcache_bytes_t *counters, size_t count,
                            fcn_deadline_t deadline, fcache_error_t *error)
{
    table_t *table = self;
    unsigned clock_no = clock_of(self, home);
    (void)deadline;
    pthread_mutex_lock(&table->lock);
    table->seeds++;
    fcache_status_t status = table->fail_seed;
    uint64_t now = number(find(table, clock, clock_no));
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        if (!find(table, counters[i], clock_no)) {
            set_number(table, counters[i], clock_no, now);
        }
    }
    pthread_mutex_unlock(&table->lock);
    return status == FCACHE_OK ? status
                               : fcache_error_set(error, status, "told to");
}

/* Calls fn without the lock: it may ask the store. */
static fcache_status_t walk(void *self, fcr_walk_fn fn, void *baton,
                            fcache_error_t *error)
{
    table_t *table = self;
    int stop = 0;
    (void)error;
    for (size_t i = 0; i < 2 * TABLE_ROWS && !stop; i++) {
        char name[FCR_NAME_MAX + 1] = "";
        char value[4096];
        size_t len = 0;
        pthread_mutex_lock(&table->lock);
        const table_row_t *row = &table->rows[i / 2];
        if (row->used && row->name[0] != '{' &&
            (i % 2 == 0 || table->walks_twice)) {
            memcpy(name, row->name, sizeof(name));
            len =
                table->walks_values && row->len < sizeof(value) ? row->len : 0;
            memcpy(value, row->value, len);
        }
        pthread_mutex_unlock(&table->lock);
        stop = name[0] && fn(baton, fcache_str(name), fcache_bytes(value, len));
    }
    return FCACHE_OK;
}

static fcache_status_t census(void *self, fcr_census_t *out_census,
                              fcache_error_t *error)
{
    table_t *table = self;
    *out_census = (fcr_census_t){.entries = 3, .bytes_used = 100};
    return table->fail_census == FCACHE_OK
               ? FCACHE_OK
               : fcache_error_set(error, table->fail_census, "told to");
}

static void distrust(void *self, fcache_bytes_t home)
{
    (void)home;
    ((table_t *)self)->distrusts++;
}

static uint64_t max_value(void *self)
{
    return ((table_t *)self)->max_value;
}

static const char *const options[] = {"table", NULL};

#define CLIENT(...)                                                            \
    {                                                                          \
        .scheme = "table", .options = options, .create = create,               \
        .open = open_table, .child_init = child_init, .fetch = fetch,          \
        .store = store, .remove = remove_name, .tick = tick, .walk = walk,     \
        .census = census, .distrust = distrust, .max_value = max_value,        \
        __VA_ARGS__                                                            \
    }

const fcr_client_ops_t table_client = CLIENT(.seed = seed);
const fcr_client_ops_t table_client_of_two =
    CLIENT(.seed = seed, .clock_of = clock_of);
const fcr_client_ops_t table_client_that_keeps = CLIENT(.seed = NULL);

static fcache_status_t create_store(const fcache_backend_conf_t *conf,
                                    void **out_self, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    return fcr_create(&table_client, conf, out_self, pool, error);
}

const fcache_backend_ops_t table_store_ops =
    FCR_BACKEND_OPS("table", create_store);

/* ---- for tests ----------------------------------------------------------- */

static apr_status_t destroy(void *data)
{
    table_t *table = data;
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        free(table->rows[i].value);
    }
    pthread_mutex_destroy(&table->lock);
    return APR_SUCCESS;
}

table_t *table_create(apr_pool_t *pool)
{
    table_t *table = apr_pcalloc(pool, sizeof(*table));
    table->max_value = UINT64_C(2) << 20;
    pthread_mutex_init(&table->lock, NULL);
    apr_pool_cleanup_register(pool, table, destroy, apr_pool_cleanup_null);
    made = table;
    return table;
}

void *table_store(table_t *table, const fcr_client_ops_t *client,
                  const char *text, apr_pool_t *pool)
{
    apr_table_t *given = apr_table_make(pool, 4);
    char *state = NULL;
    char *copy = apr_pstrdup(pool, text);
    void *self = NULL;
    fcache_error_t error = {""};
    for (char *pair = apr_strtok(copy, "&", &state); pair;
         pair = apr_strtok(NULL, "&", &state)) {
        char *equals = strchr(pair, '=');
        *equals = '\0';
        apr_table_set(given, pair, equals + 1);
    }
    fcache_backend_conf_t conf = {
        .name = "t", .scheme = "table", .location = "", .options = given};
    made = table;
    table->two_clocks = client->clock_of != NULL;
    if (fcr_create(client, &conf, &self, pool, &error) != FCACHE_OK ||
        fcr_open(self, pool, &error) != FCACHE_OK ||
        fcr_child_init(self, pool, &error) != FCACHE_OK) {
        fprintf(stderr, "table store: %s\n", error.text);
        return NULL;
    }
    return self;
}

table_row_t *table_find(table_t *table, const char *name, unsigned clock_no)
{
    return find(table, fcache_str(name), clock_no);
}

void table_set(table_t *table, const char *name, unsigned clock_no,
               fcache_bytes_t value)
{
    assign(table, find_or_add(table, fcache_str(name), clock_no), value);
}

void table_drop(table_t *table, const char *name, unsigned clock_no)
{
    table_row_t *row = find(table, fcache_str(name), clock_no);
    if (row) {
        forget(row);
    }
}

uint64_t table_clock(table_t *table, unsigned clock_no)
{
    return number(find(table, fcache_str("{fcache}clock"), clock_no));
}
