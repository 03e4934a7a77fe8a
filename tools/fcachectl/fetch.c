/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"
#include "warm.h"

#include <stdio.h>
#include <time.h>

#define TURN_MS   100
#define US_PER_MS 1000

/* One request at a time. */
typedef struct slot_t {
    CURL *easy;
    const char *url; /* NULL: free */
    ctl_said_t said;
} slot_t;

typedef struct work_t {
    const ctl_fetch_t *fetch;
    CURLM *multi;
    struct curl_slist *headers;
    slot_t *slots;
    int next;       /* of the URLs */
    int64_t due_us; /* when the next request may begin */
} work_t;

int64_t ctl_ticks_us(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * FCACHE_US_PER_S + now.tv_nsec / 1000;
}

/* ---- set up -------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *baton)
{
    (void)bytes, (void)baton;
    return size * count;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *baton)
{
    slot_t *slot = baton;

    ctl_said_line(&slot->said, fcache_bytes(bytes, size * count));
    return size * count;
}

static int set_up_slot(const work_t *work, slot_t *slot)
{
    CURL *easy = ctl_http_create(work->headers, work->fetch->timeout_us);

    slot->easy = easy;
    return easy &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) == CURLE_OK;
}

static int set_up(work_t *work, apr_pool_t *pool)
{
    const ctl_fetch_t *fetch = work->fetch;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return 0;
    }
    work->multi = curl_multi_init();
    work->slots =
        apr_pcalloc(pool, (size_t)fetch->parallel * sizeof(*work->slots));
    if (!work->multi ||
        !ctl_http_headers(fetch->fields, &work->headers, pool)) {
        return 0;
    }
    for (long i = 0; i < fetch->parallel; i++) {
        if (!set_up_slot(work, &work->slots[i])) {
            return 0;
        }
    }
    return 1;
}

static void tear_down(work_t *work)
{
    for (long i = 0; work->slots && i < work->fetch->parallel; i++) {
        if (work->slots[i].url) {
            curl_multi_remove_handle(work->multi, work->slots[i].easy);
        }
        curl_easy_cleanup(work->slots[i].easy);
    }
    curl_multi_cleanup(work->multi);
    curl_slist_free_all(work->headers);
    curl_global_cleanup();
}

/* ---- requests ------------------------------------------------------------ */

static slot_t *free_slot(const work_t *work)
{
    for (long i = 0; i < work->fetch->parallel; i++) {
        if (!work->slots[i].url) {
            return &work->slots[i];
        }
    }
    return NULL;
}

static int is_busy(const work_t *work)
{
    for (long i = 0; i < work->fetch->parallel; i++) {
        if (work->slots[i].url) {
            return 1;
        }
    }
    return 0;
}

static void end(work_t *work, slot_t *slot, const char *fault, long status)
{
    ctl_fetched_t fetched = {slot->url, fault, status, slot->said};

    slot->url = NULL;
    work->fetch->on_end(work->fetch->baton, &fetched);
}

static void begin(work_t *work, slot_t *slot)
{
    slot->url = work->fetch->urls[work->next];
    slot->said = (ctl_said_t){0};
    work->next++;
    if (curl_easy_setopt(slot->easy, CURLOPT_URL, slot->url) != CURLE_OK ||
        curl_multi_add_handle(work->multi, slot->easy) != CURLM_OK) {
        end(work, slot, "out of memory", 0);
    }
}

/* Those whose time has come. Time that was lost is not made up for, so that no
 * second sees more than the rate. */
static void begin_due(work_t *work)
{
    const ctl_fetch_t *fetch = work->fetch;
    int64_t now_us = ctl_ticks_us();
    slot_t *slot = free_slot(work);

    while (slot && work->next < fetch->url_count && now_us >= work->due_us) {
        begin(work, slot);
        if (fetch->rate > 0) {
            work->due_us = now_us + FCACHE_US_PER_S / fetch->rate;
        }
        slot = free_slot(work);
    }
}

static void collect(work_t *work)
{
    int left;
    CURLMsg *message = curl_multi_info_read(work->multi, &left);

    while (message) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        void *slot = NULL;
        long status = 0;

        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(work->multi, easy);
        end(work, slot, result == CURLE_OK ? NULL : curl_easy_strerror(result),
            status);
        message = curl_multi_info_read(work->multi, &left);
    }
}

/* Until the next request may begin, or something is to be shown. */
static int wait_ms(const work_t *work)
{
    int64_t left_us = work->due_us - ctl_ticks_us();

    if (work->next >= work->fetch->url_count || !free_slot(work) ||
        left_us > TURN_MS * US_PER_MS) {
        return TURN_MS;
    }
    return left_us > 0 ? (int)(left_us / US_PER_MS) + 1 : 0;
}

static ctl_exit_t run(work_t *work)
{
    const ctl_fetch_t *fetch = work->fetch;
    int running;

    while (!*fetch->stop) {
        begin_due(work);
        if (curl_multi_perform(work->multi, &running) != CURLM_OK) {
            return CTL_FAULT;
        }
        collect(work);
        fetch->on_turn(fetch->baton);
        if (work->next >= fetch->url_count && !is_busy(work)) {
            break;
        }
        if (curl_multi_poll(work->multi, NULL, 0, wait_ms(work), NULL) !=
            CURLM_OK) {
            return CTL_FAULT;
        }
    }
    return CTL_OK;
}

ctl_exit_t ctl_fetch(ctl_t *ctl, const ctl_fetch_t *fetch)
{
    work_t work = {.fetch = fetch};
    ctl_exit_t code = CTL_FAULT;

    if (set_up(&work, ctl->pool)) {
        code = run(&work);
    }
    tear_down(&work);
    if (code != CTL_OK) {
        fputs("fcachectl: libcurl has no memory\n", stderr);
    }
    return code;
}
