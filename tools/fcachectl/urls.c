/* SPDX-License-Identifier: Apache-2.0 */
#include "warm.h"

#include <apr_strings.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES (64 * 1024)
#define URL_MAX_BYTES  (8 * 1024) /* LimitRequestLine is less by default */
#define URLS_MAX       1000000

/* Where we are. */
typedef struct input_t {
    const char *name;
    FILE *file;
    int64_t line;
    apr_pool_t *scratch;           /* until the next line */
    char text[LINE_MAX_BYTES + 2]; /* with its end and a NUL */
} input_t;

static ctl_exit_t wrong(const input_t *input, const char *what)
{
    fprintf(stderr, "fcachectl: %s:%lld: %s\n", input->name,
            (long long)input->line, what);
    return CTL_USAGE;
}

/* ---- URLs ---------------------------------------------------------------- */

ctl_exit_t ctl_urls_init(ctl_t *ctl, const char *base, ctl_urls_t *out_urls)
{
    fcache_url_t url;

    *out_urls = (ctl_urls_t){
        .list = apr_array_make(ctl->pool, 64, sizeof(const char *)),
        .seen = apr_hash_make(ctl->pool)};
    if (!base) {
        return CTL_OK;
    }
    if (fcache_url_parse(fcache_str(base), &url, ctl->pool, &ctl->error) !=
        FCACHE_OK) {
        return ctl_usage("--base %s: %s", base, ctl->error.text);
    }
    if (url.path.len != 1 || url.query.ptr) {
        return ctl_usage("--base %s: write scheme and host alone", base);
    }
    out_urls->base =
        apr_psprintf(ctl->pool, "%.*s://%.*s", (int)url.scheme.len,
                     url.scheme.ptr, (int)url.authority.len, url.authority.ptr);
    return CTL_OK;
}

/* As a request is made of it: authority in lower case, no fragment. */
static const char *canonical(const fcache_url_t *url, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%.*s://%.*s%.*s%s%.*s", (int)url->scheme.len,
                        url->scheme.ptr, (int)url->authority.len,
                        url->authority.ptr, (int)url->path.len, url->path.ptr,
                        url->query.ptr ? "?" : "", (int)url->query.len,
                        url->query.ptr ? url->query.ptr : "");
}

static ctl_exit_t add_url(ctl_t *ctl, const input_t *input, const char *text,
                          ctl_urls_t *urls)
{
    fcache_url_t url;

    if (text[0] == '/') {
        if (!urls->base) {
            return wrong(input, "a path needs --base");
        }
        text = apr_pstrcat(input->scratch, urls->base, text, NULL);
    }
    if (fcache_url_parse(fcache_str(text), &url, input->scratch, &ctl->error) !=
        FCACHE_OK) {
        return wrong(input, ctl->error.text);
    }
    text = canonical(&url, input->scratch);
    if (apr_hash_get(urls->seen, text, APR_HASH_KEY_STRING)) {
        urls->repeated++;
        return CTL_OK;
    }
    if (urls->list->nelts >= URLS_MAX) {
        return wrong(input, "more than 1000000 URLs");
    }
    text = apr_pstrdup(ctl->pool, text);
    apr_hash_set(urls->seen, text, APR_HASH_KEY_STRING, text);
    APR_ARRAY_PUSH(urls->list, const char *) = text;
    return CTL_OK;
}

/* ---- lines --------------------------------------------------------------- */

/*
 * The target of a line of an access log:
 *
 *   HOST IDENT USER [TIME] "GET /path HTTP/1.1" 200 ...
 *
 * NULL unless it is a GET of a path of the server's own that was answered by 2xx
 * or 3xx. What stands there is what clients sent: with a backslash it is not
 * what they sent, as httpd escapes that way.
 */
static const char *log_target(char *request)
{
    char *end = strchr(request, '"');
    char *target = request + strlen("GET ");
    char *version;

    if (strncmp(request, "GET /", 5) != 0 || !end ||
        (strncmp(end, "\" 2", 3) != 0 && strncmp(end, "\" 3", 3) != 0)) {
        return NULL;
    }
    *end = '\0';
    version = strstr(target, " HTTP/");
    if (!version || strchr(target, '\\')) {
        return NULL;
    }
    *version = '\0';
    return strchr(target, ' ') ? NULL : target;
}

static ctl_exit_t add_line(ctl_t *ctl, input_t *input, ctl_urls_t *urls)
{
    fcache_bytes_t trimmed = fcache_bytes_trim(fcache_str(input->text));
    char *request = strstr(input->text, "] \"");
    const char *text;

    if (trimmed.len == 0 || trimmed.ptr[0] == '#') {
        return CTL_OK;
    }
    text = apr_pstrmemdup(input->scratch, trimmed.ptr, trimmed.len);
    if (text[0] != '/' && ctl_key_kind(text) != CTL_KEY_URL) {
        if (!request) {
            return wrong(input, "neither an http or https URL, nor a path, nor "
                                "a line of an access log");
        }
        text = log_target(request + 3);
        if (!text) {
            urls->skipped++;
            return CTL_OK;
        }
    }
    if (strlen(text) > URL_MAX_BYTES) {
        return wrong(input, "a URL of more than 8192 bytes");
    }
    return add_url(ctl, input, text, urls);
}

/* The next line without its end. 0 at the end of the file or after an error. */
static int next_line(input_t *input, ctl_exit_t *out_code)
{
    size_t len;

    if (!fgets(input->text, sizeof(input->text), input->file)) {
        return 0;
    }
    input->line++;
    len = strlen(input->text);
    if (len > 0 && input->text[len - 1] == '\n') {
        input->text[--len] = '\0';
        if (len > 0 && input->text[len - 1] == '\r') {
            input->text[--len] = '\0';
        }
    } else if (len + 1 == sizeof(input->text)) {
        *out_code = wrong(input, "a line of more than 65536 bytes");
    } else if (!feof(input->file)) {
        *out_code = wrong(input, "a line with a NUL is no text");
    }
    return *out_code == CTL_OK;
}

ctl_exit_t ctl_urls_read(ctl_t *ctl, const char *file, ctl_urls_t *urls)
{
    int is_stdin = strcmp(file, "-") == 0;
    input_t *input = apr_pcalloc(ctl->pool, sizeof(*input));
    ctl_exit_t code = CTL_OK;

    input->name = is_stdin ? "standard input" : file;
    input->file = is_stdin ? stdin : fopen(file, "r");
    apr_pool_create(&input->scratch, ctl->pool);
    while (input->file && code == CTL_OK && next_line(input, &code)) {
        code = add_line(ctl, input, urls);
        apr_pool_clear(input->scratch);
    }
    if (!input->file || ferror(input->file)) {
        fprintf(stderr, "fcachectl: %s: %s\n", input->name, strerror(errno));
        code = CTL_FAULT;
    }
    if (input->file && !is_stdin) {
        fclose(input->file);
    }
    return code;
}
