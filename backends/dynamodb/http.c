/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include "../net/shared.h"

#include <apr_strings.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/crypto.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SLICE_MS  50 /* how long a cancelled call may still take */
#define US_PER_MS 1000

struct fcd_http_t {
    CURL *easy;
    CURLM *multi; /* easy's own, so that we do the waiting */
    struct curl_slist *resolve;
    fcn_address_t address; /* len 0: in the URLs */
    int is_unreachable;    /* the last call got no connection to it */
    fcache_buf_t *reply;   /* of the call under way, as all below */
    int64_t date_s;
    int has_no_socket;
    int is_connected;
    int is_too_large;
};

/* ---- curl's side --------------------------------------------------------- */

static apr_status_t stop(void *unused)
{
    (void)unused;
    curl_global_cleanup();
    return APR_SUCCESS;
}

fcache_status_t fcd_http_start(apr_pool_t *pool, fcache_error_t *error)
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    if (!(version->features & CURL_VERSION_THREADSAFE)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "libcurl %s cannot be started by threads",
                                version->version);
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "libcurl does not start");
    }
    apr_pool_cleanup_register(pool, NULL, stop, apr_pool_cleanup_null);
    return FCACHE_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *baton)
{
    fcd_http_t *http = baton;
    fcache_bytes_t piece = fcache_bytes(bytes, size * count);
    fcache_status_t status = fcache_buf_append(http->reply, piece);
    http->is_too_large = status == FCACHE_TOO_LARGE;
    return status == FCACHE_OK ? piece.len : 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *baton)
{
    static const char name[] = "date:";
    fcd_http_t *http = baton;
    char date[40];
    fcache_bytes_t line = fcache_bytes_trim(fcache_bytes(bytes, size * count));
    if (line.len > sizeof(name) &&
        fcache_bytes_equal_nocase(fcache_bytes(line.ptr, sizeof(name) - 1),
                                  fcache_str(name))) {
        snprintf(date, sizeof(date), "%.*s", (int)(line.len - sizeof(name) + 1),
                 line.ptr + sizeof(name) - 1);
        time_t when = curl_getdate(date, NULL);
        http->date_s = when > 0 ? when : 0;
    }
    return size * count;
}

/* As curl's own, which does not tell that there are no more files from a server
 * that is not there. */
static curl_socket_t on_socket(void *baton, curlsocktype purpose,
                               struct curl_sockaddr *address)
{
    fcd_http_t *http = baton;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                    address->protocol);
    http->has_no_socket = fd < 0 && errno != EAFNOSUPPORT;
    return fd;
}

static int on_connected(void *baton, char *peer, char *self, int peer_port,
                        int self_port)
{
    fcd_http_t *http = baton;
    (void)peer, (void)self, (void)peer_port, (void)self_port;
    http->is_connected = 1;
    return CURL_PREREQFUNC_OK;
}

/* ---- connections --------------------------------------------------------- */

/* "host:port:address", which is all the DNS that curl gets. It cannot read one of
 * an IPv6 address, and needs none. */
static int set_address(fcd_http_t *http, const fcn_endpoint_t *endpoint,
                       const fcn_address_t *address)
{
    const struct sockaddr *any = (const struct sockaddr *)&address->addr;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->addr;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->addr;
    const void *raw = any->sa_family == AF_INET6 ? (const void *)&v6->sin6_addr
                                                 : (const void *)&v4->sin_addr;
    char text[INET6_ADDRSTRLEN];
    char line[512];
    if (strchr(endpoint->host, ':')) {
        return 1;
    }
    if (!inet_ntop(any->sa_family, raw, text, sizeof(text))) {
        return 0;
    }
    int len = snprintf(line, sizeof(line),
                       any->sa_family == AF_INET6 ? "%s:%u:[%s]" : "%s:%u:%s",
                       endpoint->host, (unsigned)endpoint->port, text);
    if (len < 0 || (size_t)len >= sizeof(line)) {
        return 0;
    }
    http->resolve = curl_slist_append(NULL, line);
    return http->resolve && curl_easy_setopt(http->easy, CURLOPT_RESOLVE,
                                             http->resolve) == CURLE_OK;
}

static int set_options(fcd_http_t *http, const fcd_trust_t *trust)
{
    CURL *easy = http->easy;
    int failed = 0;
#define SET(option, value)                                                     \
    (failed |= curl_easy_setopt(easy, CURLOPT_##option, value) != CURLE_OK)
    SET(NOSIGNAL, 1L);
    SET(PROTOCOLS_STR, trust ? "https" : "http");
    SET(FOLLOWLOCATION, 0L);
    SET(PROXY, "");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(HTTP09_ALLOWED, 0L);
    SET(TCP_NODELAY, 1L);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, http);
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, http);
    SET(OPENSOCKETFUNCTION, on_socket);
    SET(OPENSOCKETDATA, http);
    SET(PREREQFUNCTION, on_connected);
    SET(PREREQDATA, http);
#undef SET
    return !failed && (!trust || fcd_trust_set(trust, easy));
}

fcache_status_t fcd_http_create(const fcd_trust_t *trust,
                                const fcn_endpoint_t *endpoint,
                                const fcn_address_t *address,
                                fcd_http_t **out_http, fcache_error_t *error)
{
    fcd_http_t *http = calloc(1, sizeof(*http));
    int is_good = http != NULL;
    if (is_good) {
        http->address = address ? *address : http->address;
        http->easy = curl_easy_init();
        http->multi = curl_multi_init();
        is_good = http->easy && http->multi && set_options(http, trust) &&
                  (!address || set_address(http, endpoint, address));
    }
    if (!is_good) {
        fcd_http_close(http);
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "libcurl makes no connection");
    }
    *out_http = http;
    return FCACHE_OK;
}

void fcd_http_close(fcd_http_t *http)
{
    if (http) {
        curl_easy_cleanup(http->easy);
        curl_multi_cleanup(http->multi);
        curl_slist_free_all(http->resolve);
        free(http);
    }
}

const fcn_address_t *fcd_http_unreachable(const fcd_http_t *http)
{
    return http->is_unreachable && http->address.len > 0 ? &http->address
                                                         : NULL;
}

/* ---- calls --------------------------------------------------------------- */

/* They hold credentials. */
static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *one = list; one; one = one->next) {
        OPENSSL_cleanse(one->data, strlen(one->data));
    }
    curl_slist_free_all(list);
}

static int add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    *list = longer ? longer : *list;
    return longer != NULL;
}

/* No line ends, which would begin another field. */
static int is_plain(fcache_bytes_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') {
            return 0;
        }
    }
    return 1;
}

static int add_header(struct curl_slist **list, const fcd_header_t *header)
{
    char line[FCD_HEADER_MAX];
    if (!is_plain(header->name) || !is_plain(header->value)) {
        return 0;
    }
    int len =
        snprintf(line, sizeof(line), "%.*s: %.*s", (int)header->name.len,
                 header->name.ptr, (int)header->value.len, header->value.ptr);
    int done = len > 0 && (size_t)len < sizeof(line) && add_line(list, line);
    OPENSSL_cleanse(line, sizeof(line));
    return done;
}

/* Ours, and none of curl's own but Host and Content-Length. */
static struct curl_slist *headers_of(const fcd_call_t *call)
{
    struct curl_slist *list = NULL;
    int is_good = add_line(&list, "Expect:") && add_line(&list, "Accept:");
    for (size_t i = 0; is_good && i < call->header_count; i++) {
        is_good = add_header(&list, &call->headers[i]);
    }
    if (!is_good) {
        free_headers(list);
        return NULL;
    }
    return list;
}

static int set_call(fcd_http_t *http, const fcd_call_t *call,
                    struct curl_slist *headers)
{
    CURL *easy = http->easy;
    int64_t left_ms = fcn_deadline_left_ms(call->deadline);
    int64_t connect_ms = (call->connect_us + US_PER_MS - 1) / US_PER_MS;
    int failed = 0;
#define SET(option, value)                                                     \
    (failed |= curl_easy_setopt(easy, CURLOPT_##option, value) != CURLE_OK)
    SET(URL, call->url);
    SET(HTTPHEADER, headers);
    SET(CONNECTTIMEOUT_MS, (long)(connect_ms < left_ms ? connect_ms : left_ms));
    SET(TIMEOUT_MS, (long)left_ms);
    if (call->body.len > 0) {
        SET(POSTFIELDS, call->body.ptr);
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    } else {
        SET(HTTPGET, 1L);
    }
    SET(CUSTOMREQUEST, call->method);
#undef SET
    return !failed;
}

/* Bytes that went either way: something goes on while it grows. */
static curl_off_t progress(CURL *easy)
{
    curl_off_t up = 0;
    curl_off_t down = 0;
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return up + down;
}

static fcache_status_t result_of(fcd_http_t *http, CURLcode code,
                                 fcache_error_t *error)
{
    const char *text = curl_easy_strerror(code);
    switch ((int)code) {
    case CURLE_OK:
        return FCACHE_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return fcache_error_set(error, FCACHE_TIMEOUT, "no answer in time");
    case CURLE_OUT_OF_MEMORY:
        return fcache_error_set(error, FCACHE_NO_MEMORY, "%s", text);
    case CURLE_WRITE_ERROR:
        return fcache_error_set(
            error, http->is_too_large ? FCACHE_PROTOCOL : FCACHE_NO_MEMORY,
            http->is_too_large ? "an answer that is too long"
                               : "no memory for the answer");
    case CURLE_COULDNT_CONNECT:
        return fcache_error_set(
            error, http->has_no_socket ? FCACHE_NO_MEMORY : FCACHE_UNAVAILABLE,
            "%s", http->has_no_socket ? "no socket" : text);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return fcache_error_set(error, FCACHE_UNAVAILABLE, "%s", text);
    default:
        return fcache_error_set(error, FCACHE_PROTOCOL, "%s", text);
    }
}

static fcache_status_t wait_for_end(fcd_http_t *http, const fcd_call_t *call,
                                    fcache_error_t *error)
{
    fcn_deadline_t silence = call->deadline;
    curl_off_t seen = -1;
    int running = 1;
    while (curl_multi_perform(http->multi, &running) == CURLM_OK && running) {
        curl_off_t now = progress(http->easy);
        if (http->is_connected && now != seen) {
            seen = now;
            silence = fcn_deadline_sooner(call->deadline,
                                          fcn_deadline_in(call->read_us));
        }
        int left_ms = fcn_deadline_left_ms(silence);
        if (left_ms == 0) {
            return result_of(http, CURLE_OPERATION_TIMEDOUT, error);
        }
        if (call->cancelled && atomic_load(call->cancelled)) {
            return fcache_error_set(error, FCACHE_UNAVAILABLE, "given up");
        }
        if (call->cancelled && left_ms > SLICE_MS) {
            left_ms = SLICE_MS;
        }
        if (curl_multi_poll(http->multi, NULL, 0, left_ms, NULL) != CURLM_OK) {
            break;
        }
    }
    int left = 0;
    const CURLMsg *message = curl_multi_info_read(http->multi, &left);
    return result_of(http,
                     message && message->msg == CURLMSG_DONE
                         ? message->data.result
                         : CURLE_FAILED_INIT,
                     error);
}

static fcache_status_t perform(fcd_http_t *http, const fcd_call_t *call,
                               fcache_error_t *error)
{
    if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK) {
        return result_of(http, CURLE_OUT_OF_MEMORY, error);
    }
    fcache_status_t status = wait_for_end(http, call, error);
    curl_multi_remove_handle(http->multi, http->easy);
    return status;
}

fcache_status_t fcd_http_call(fcd_http_t *http, const fcd_call_t *call,
                              fcd_answer_t *out_answer, fcache_error_t *error)
{
    fcache_status_t status = FCACHE_BAD_INPUT;
    struct curl_slist *headers = NULL;
    if (fcn_deadline_left_ms(call->deadline) == 0) {
        return result_of(http, CURLE_OPERATION_TIMEDOUT, error);
    }
    fcache_buf_fini(call->reply);
    http->reply = call->reply;
    http->date_s = 0;
    http->has_no_socket = 0;
    http->is_connected = 0;
    http->is_too_large = 0;
    headers = headers_of(call);
    if (headers && set_call(http, call, headers)) {
        status = perform(http, call, error);
        http->is_unreachable =
            fcn_outcome_of(status) == FCN_FAILED && !http->is_connected;
    } else {
        fcache_error_set(error, status, "a request that cannot be sent");
    }
    if (status == FCACHE_OK) {
        curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE,
                          &out_answer->status);
        out_answer->date_s = http->date_s;
    }
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, NULL);
    free_headers(headers);
    return status;
}
