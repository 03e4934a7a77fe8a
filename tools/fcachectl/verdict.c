/* SPDX-License-Identifier: Apache-2.0 */
#include "warm.h"

static int starts_with(fcache_bytes_t text, const char *start)
{
    size_t len = strlen(start);

    return text.len >= len &&
           fcache_bytes_equal_nocase(fcache_bytes(text.ptr, len),
                                     fcache_str(start));
}

static void say(ctl_said_t *said, fcache_verdict_t verdict)
{
    said->verdict = verdict;
    said->is_known = 1;
}

/* One of our verdicts, and nothing else. */
static void read_own(ctl_said_t *said, fcache_bytes_t value)
{
#define X(name, text)                                                          \
    if (fcache_bytes_equal(value, fcache_str(text))) {                         \
        say(said, FCACHE_VERDICT_##name);                                      \
        said->is_ours = 1;                                                     \
    }
    FCACHE_VERDICT_LIST(X)
#undef X
}

/* Takes a member's next part off, up to a semicolon outside of quotes. */
static fcache_bytes_t take_part(fcache_bytes_t *rest)
{
    fcache_bytes_t part = {rest->ptr, 0};
    int quoted = 0;

    while (part.len < rest->len && (quoted || part.ptr[part.len] != ';')) {
        if (quoted && part.ptr[part.len] == '\\' && part.len + 1 < rest->len) {
            part.len++;
        } else if (part.ptr[part.len] == '"') {
            quoted = !quoted;
        }
        part.len++;
    }
    size_t used = part.len + (part.len < rest->len);
    *rest = fcache_bytes(rest->ptr + used, rest->len - used);
    return fcache_bytes_trim(part);
}

/* "mod_fcache; fwd=uri-miss; stored". */
static void read_member(ctl_said_t *said, fcache_bytes_t member)
{
    take_part(&member);
    said->is_stored = 0;
    while (member.len > 0) {
        fcache_bytes_t part = take_part(&member);

        if (fcache_bytes_equal(part, fcache_str("stored"))) {
            said->is_stored = 1;
        } else if (said->is_ours) {
            continue;
        } else if (fcache_bytes_equal(part, fcache_str("hit"))) {
            say(said, FCACHE_VERDICT_HIT);
        } else if (starts_with(part, "fwd=")) {
            say(said, fcache_bytes_equal(part, fcache_str("fwd=bypass"))
                          ? FCACHE_VERDICT_BYPASS
                          : FCACHE_VERDICT_MISS);
        }
    }
}

static void read_status(ctl_said_t *said, fcache_bytes_t value)
{
    fcache_field_t field = {fcache_str("Cache-Status"), value};
    fcache_fields_t fields = {&field, 1};
    fcache_bytes_t member = {NULL, 0};
    fcache_list_t list;

    fcache_list_init(&list, fields, "Cache-Status");
    while (fcache_list_next(&list, &member)) {
    }
    read_member(said, member);
}

void ctl_said_line(ctl_said_t *said, fcache_bytes_t line)
{
    static const char own[] = "X-FCache:";
    static const char status[] = "Cache-Status:";

    while (line.len > 0 && strchr("\r\n", line.ptr[line.len - 1])) {
        line.len--;
    }
    if (starts_with(line, "HTTP/")) {
        *said = (ctl_said_t){0}; /* what was before was an interim answer */
    } else if (starts_with(line, own)) {
        line = fcache_bytes(line.ptr + strlen(own), line.len - strlen(own));
        read_own(said, fcache_bytes_trim(line));
    } else if (starts_with(line, status)) {
        line =
            fcache_bytes(line.ptr + strlen(status), line.len - strlen(status));
        read_status(said, line);
    }
}
