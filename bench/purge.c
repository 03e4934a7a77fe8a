/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purge URL ENTRIES [PORT PROBE]: reads words from its input and answers each
 * with a line. "warm" clears the tag WARMING times, for servers that compile what
 * they do often; "fill" puts ENTRIES entries with it; both print seconds. "clear"
 * clears the tag and prints: us, round trips, us of a bare round trip, and how many
 * of SAMPLES entries were there before and are after, here and in another process.
 * The bare round trip sends PROBE to PORT and reads once.
 */
#include <fcache/fcache.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS 16
#define TRIES   5
#define SAMPLES 500
#define PINGS   25
#define WARMING 500
#define TTL_S   3600
#define BODY    300
#define TAG     "products"

static fcache_t *cache;
static int entries;
static int ping_port; /* 0: none */
static const char *probe;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "purge: %s: %s\n", what, why);
    _exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static fcache_key_t key_of(int number, apr_pool_t *pool)
{
    fcache_key_t key;
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    fcache_bytes_t text = fcache_str(apr_itoa(pool, number));
    if (tuple == NULL || fcache_tuple_add(tuple, "n", text) != FCACHE_OK ||
        fcache_key_from_tuple(tuple, fcache_str("bench"), fcache_str("purge"),
                              &key, pool, NULL) != FCACHE_OK) {
        die("key", "no memory");
    }
    return key;
}

/* ---- fill ---------------------------------------------------------------- */

/* A busy machine may keep a put from its deadline. */
static void put(int number, fcache_bytes_t tags, apr_pool_t *pool)
{
    static const char body[BODY];
    fcache_key_t key = key_of(number, pool);
    fcache_error_t error = {""};

    for (int tries = 0; tries < TRIES; tries++) {
        if (fcache_put(cache, &key, fcache_bytes(body, sizeof(body)), TTL_S,
                       tags, fcache_epoch(cache), apr_time_now(),
                       &error) == FCACHE_OK) {
            return;
        }
    }
    die("put", error.text);
}

static void *fill_some(void *baton)
{
    fcache_buf_t tags;
    apr_pool_t *pool;

    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    apr_pool_create(&pool, NULL);
    if (fcache_tags_add_words(&tags, fcache_str(TAG)) != FCACHE_OK) {
        die("tag", "no memory");
    }
    for (int i = (int)(intptr_t)baton; i < entries; i += THREADS) {
        put(i, fcache_buf_bytes(&tags), pool);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    fcache_buf_fini(&tags);
    return NULL;
}

static void fill(void)
{
    pthread_t threads[THREADS];
    double begun = now_us();

    for (intptr_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, fill_some, (void *)i)) {
            die("thread", "none to be had");
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%.1f\n", (now_us() - begun) / 1e6);
}

/* ---- who has what -------------------------------------------------------- */

/* How many of SAMPLES entries, spread over all, are to be had. */
static int look(void)
{
    apr_pool_t *pool;
    int found = 0;

    apr_pool_create(&pool, NULL);
    for (int i = 0; i < SAMPLES; i++) {
        fcache_key_t key = key_of((int)((int64_t)i * entries / SAMPLES), pool);
        fcache_bytes_t value;
        fcache_error_t error = {""};
        fcache_status_t status =
            fcache_get(cache, &key, apr_time_now(), &value, NULL, pool, &error);
        if (fcache_status_is_fault(status)) {
            die("get", error.text);
        }
        found += status == FCACHE_OK;
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return found;
}

/* The other process: a byte in, a count out, until its input ends. */
static void serve_looks(int in, int out)
{
    char word;
    while (read(in, &word, 1) == 1) {
        int found = look();
        if (write(out, &found, sizeof(found)) != sizeof(found)) {
            break;
        }
    }
    _exit(0);
}

static int to_other;
static int from_other;

static int look_there(void)
{
    int found;
    if (write(to_other, "?", 1) != 1 ||
        read(from_other, &found, sizeof(found)) != sizeof(found)) {
        die("the other process", "gone");
    }
    return found;
}

/* ---- clear --------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Servers hang up on who is silent, so each time anew. */
static int ping_connect(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)ping_port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        die("ping", "not connected");
    }
    return fd;
}

/* The median of PINGS round trips, each after a pause, as the clear is; 0 where
 * there is nobody to ask. */
static double ping_us(void)
{
    double took[PINGS];
    char reply[4096];

    int fd;

    if (ping_port == 0) {
        return 0;
    }
    fd = ping_connect();
    for (int i = 0; i < PINGS; i++) {
        apr_sleep(1000);
        double begun = now_us();
        if (write(fd, probe, strlen(probe)) < 0 ||
            read(fd, reply, sizeof(reply)) <= 0) {
            die("ping", "no answer");
        }
        took[i] = now_us() - begun;
    }
    close(fd);
    qsort(took, PINGS, sizeof(*took), ascending);
    return took[PINGS / 2];
}

static int64_t round_trips(void)
{
    fcache_stats_t stats;
    fcache_error_t error = {""};
    if (fcache_stats(cache, &stats, &error) != FCACHE_OK) {
        die("stats", error.text);
    }
    return (int64_t)stats.round_trips;
}

static void purge(apr_pool_t *pool)
{
    fcache_purge_t what = {.kind = FCACHE_PURGE_TAG,
                           .value = fcache_str(TAG),
                           .prefix = fcache_str("bench")};
    fcache_error_t error = {""};

    if (fcache_purge(cache, &what, 1, apr_time_now(), NULL, pool, &error) !=
        FCACHE_OK) {
        die("clear", error.text);
    }
}

static void warm(apr_pool_t *pool)
{
    double begun = now_us();

    for (int i = 0; i < WARMING; i++) {
        purge(pool);
    }
    printf("%.1f\n", (now_us() - begun) / 1e6);
}

static void clear(apr_pool_t *pool)
{
    int here = look();
    int there = look_there();
    double ping = ping_us();
    int64_t first = round_trips();
    int64_t second = round_trips(); /* what asking takes itself */
    double begun = now_us();

    purge(pool);
    double took = now_us() - begun;
    int64_t trips = round_trips() - second - (second - first);
    int there_after = look_there();
    printf("%.1f %d %.1f %d %d %d %d\n", took, (int)trips, ping, here, there,
           look(), there_after);
}

/* ---- main ---------------------------------------------------------------- */

static void open_cache(const char *url, apr_pool_t *pool)
{
    fcache_options_t options = {.store = url, .forks = 1};
    fcache_error_t error = {""};
    int in[2];
    int out[2];

    if (fcache_create(&options, &cache, pool, &error) != FCACHE_OK) {
        die(url, error.text);
    }
    if (pipe(in) != 0 || pipe(out) != 0) {
        die("pipe", "none to be had");
    }
    pid_t child = fork();
    if (child < 0 || fcache_child_init(cache, pool, &error) != FCACHE_OK) {
        die("process", error.text);
    }
    close(in[child ? 0 : 1]);
    close(out[child ? 1 : 0]);
    if (child == 0) {
        serve_looks(in[0], out[1]);
    }
    to_other = in[1];
    from_other = out[0];
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    char word[16];

    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: purge URL ENTRIES [PORT PROBE]\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    entries = (int)strtol(argv[2], NULL, 10);
    open_cache(argv[1], pool);
    if (argc == 5) {
        probe = argv[4];
        ping_port = (int)strtol(argv[3], NULL, 10);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (scanf("%15s", word) == 1) {
        if (strcmp(word, "fill") == 0) {
            fill();
        } else if (strcmp(word, "warm") == 0) {
            warm(pool);
        } else {
            clear(pool);
        }
    }
    fcache_destroy(cache);
    return 0;
}
