/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/cache_status.h>

#include "ascii.h"
#include "sf.h"

#define MAX_INTEGER INT64_C(999999999999999) /* RFC 9651 §3.3.1 */

static const char *const forwards[] = {
#define X(name, text) text,
    FCACHE_FORWARD_LIST(X)
#undef X
};

const char *fcache_forward_text(fcache_forward_t forward)
{
    size_t count = sizeof forwards / sizeof forwards[0];
    return (size_t)forward < count ? forwards[forward] : "?";
}

/* ---- why forward --------------------------------------------------------- */

/* What is refused before the lookup is not this cache's business, but for the
 * method. */
static fcache_forward_t of_bypass(fcache_reason_t bypass)
{
    return bypass == FCACHE_REASON_METHOD ? FCACHE_FORWARD_METHOD
                                          : FCACHE_FORWARD_BYPASS;
}

fcache_forward_t fcache_forward_of(fcache_reason_t bypass,
                                   const fcache_decision_t *decision)
{
    static const struct {
        fcache_reason_t reason;
        fcache_forward_t forward;
    } rows[] = {
        {FCACHE_REASON_ABSENT, FCACHE_FORWARD_URI_MISS},
        {FCACHE_REASON_VARY_MISS, FCACHE_FORWARD_VARY_MISS},
        {FCACHE_REASON_EXPIRED, FCACHE_FORWARD_STALE},
        {FCACHE_REASON_SOFT_PURGED, FCACHE_FORWARD_STALE},
        {FCACHE_REASON_ENTRY_NO_CACHE, FCACHE_FORWARD_STALE},
        {FCACHE_REASON_REQUEST_NO_CACHE, FCACHE_FORWARD_REQUEST},
        {FCACHE_REASON_REQUEST_MAX_AGE, FCACHE_FORWARD_REQUEST},
        {FCACHE_REASON_REQUEST_MIN_FRESH, FCACHE_FORWARD_REQUEST},
        {FCACHE_REASON_RANGE, FCACHE_FORWARD_PARTIAL},
    };
    if (bypass != FCACHE_REASON_NONE) {
        return of_bypass(bypass);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].reason == decision->reason) {
            return rows[i].forward == FCACHE_FORWARD_REQUEST &&
                           decision->ttl_s < 0
                       ? FCACHE_FORWARD_STALE
                       : rows[i].forward;
        }
    }
    return FCACHE_FORWARD_MISS;
}

/* ---- names --------------------------------------------------------------- */

/* sf-token (RFC 9651 §3.3.4). */
static int is_sf_token(fcache_bytes_t text)
{
    if (!fci_is_lower(fci_lower(text.ptr[0])) && text.ptr[0] != '*') {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!fci_is_tchar(c) && c != ':' && c != '/') {
            return 0;
        }
    }
    return 1;
}

/* sf-string (RFC 9651 §3.3.3). */
static size_t quote(fcache_bytes_t text, char *out)
{
    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < ' ' || c > '~') {
            return 0;
        }
        if (c == '"' || c == '\\') {
            out[len++] = '\\';
        }
        out[len++] = c;
    }
    out[len++] = '"';
    return len;
}

size_t fcache_cache_status_name(fcache_bytes_t name,
                                char out[FCACHE_CACHE_STATUS_NAME_LEN])
{
    if (name.len == 0 || name.len > FCACHE_CACHE_STATUS_MAX_NAME) {
        return 0;
    }
    if (is_sf_token(name)) {
        memcpy(out, name.ptr, name.len);
        return name.len;
    }
    return quote(name, out);
}

/* ---- the member ---------------------------------------------------------- */

typedef struct line_t {
    char *out;
    size_t len;
} line_t;

static void put(line_t *line, const char *ptr, size_t len)
{
    if (len <= FCACHE_CACHE_STATUS_LEN - line->len) {
        memcpy(line->out + line->len, ptr, len);
        line->len += len;
    }
}

static void put_text(line_t *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_number(line_t *line, int64_t number)
{
    char digits[16];
    size_t at = sizeof digits;
    int64_t rest = number < 0 ? -number : number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        put_text(line, "-");
    }
    put(line, digits + at, sizeof digits - at);
}

static void put_integer(line_t *line, const char *parameter, int64_t number)
{
    put_text(line, parameter);
    if (number > MAX_INTEGER) {
        number = MAX_INTEGER;
    }
    put_number(line, number < -MAX_INTEGER ? -MAX_INTEGER : number);
}

static void put_forward(line_t *line, const fcache_cache_status_t *status)
{
    put_text(line, "; fwd=");
    put_text(line, fcache_forward_text(status->forward));
    if (status->forward_status > 0) {
        put_integer(line, "; fwd-status=", status->forward_status);
    }
}

size_t fcache_cache_status_format(const fcache_cache_status_t *status,
                                  char out[FCACHE_CACHE_STATUS_LEN])
{
    int went_forward = status->forward != FCACHE_FORWARD_NONE;
    line_t line = {out, 0};
    put(&line, status->name.ptr, status->name.len);
    if (went_forward) {
        put_forward(&line, status);
    } else if (status->is_hit) {
        put_text(&line, "; hit");
    }
    if (status->has_ttl) {
        put_integer(&line, "; ttl=", status->ttl_s);
    }
    if (went_forward && status->is_stored) {
        put_text(&line, "; stored");
    }
    if (went_forward && status->is_collapsed) {
        put_text(&line, "; collapsed");
    }
    if (status->detail != FCACHE_REASON_NONE) {
        put_text(&line, "; detail=");
        put_text(&line, fcache_reason_text(status->detail));
    }
    return line.len;
}

/* ---- what others say ----------------------------------------------------- */

static int read_member(fci_sf_t *text)
{
    char c = fci_sf_peek(text);
    fci_argument_t name;
    int absent;
    return (c == '"' || c == '*' || fci_is_lower(fci_lower(c))) &&
           fci_sf_bare_item(text, &name, &absent) && fci_sf_parameters(text);
}

int fcache_cache_status_is_list(fcache_bytes_t line)
{
    line = fcache_bytes_trim(line);
    if (line.len == 0) {
        return 0;
    }
    fci_sf_t text = {line.ptr, line.ptr + line.len};
    do {
        fci_sf_skip_blanks(&text);
        if (!read_member(&text)) {
            return 0;
        }
        fci_sf_skip_blanks(&text);
    } while (fci_sf_take(&text, ','));
    return text.at == text.end;
}
