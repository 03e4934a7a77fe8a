/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <apr_strings.h>

#include <stdlib.h>

#define US_PER_MS 1000

int ctl_http_headers(fcache_fields_t fields, struct curl_slist **out_list,
                     apr_pool_t *pool)
{
    *out_list = NULL;
    for (size_t i = 0; i < fields.count; i++) {
        fcache_field_t field = fields.items[i];
        const char *line =
            apr_psprintf(pool, field.value.len > 0 ? "%.*s: %.*s" : "%.*s;%.*s",
                         (int)field.name.len, field.name.ptr,
                         (int)field.value.len, field.value.ptr);
        struct curl_slist *longer = curl_slist_append(*out_list, line);

        if (!longer) {
            return 0;
        }
        *out_list = longer;
    }
    return 1;
}

CURL *ctl_http_create(struct curl_slist *headers, int64_t timeout_us)
{
    const char *certificates = getenv("SSL_CERT_FILE");
    CURL *easy = curl_easy_init();
    int failed = 0;

    if (!easy) {
        return NULL;
    }
#define SET(option, value)                                                     \
    (failed |= curl_easy_setopt(easy, CURLOPT_##option, value) != CURLE_OK)
    SET(NOSIGNAL, 1L);
    SET(PROTOCOLS_STR, "http,https");
    SET(PROXY, "");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(PATH_AS_IS, 1L);
    SET(HTTP09_ALLOWED, 0L);
    SET(USERAGENT, "fcachectl");
    SET(TIMEOUT_MS, (long)(timeout_us / US_PER_MS));
    SET(HTTPHEADER, headers);
    if (certificates) {
        SET(CAINFO, certificates);
    }
#undef SET
    if (failed) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}
