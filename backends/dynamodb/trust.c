/* SPDX-License-Identifier: Apache-2.0 */
#include "trust.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <sys/stat.h>

struct fcd_trust_t {
    X509_STORE *store;
};

static apr_status_t forget(void *baton)
{
    X509_STORE_free(((fcd_trust_t *)baton)->store);
    return APR_SUCCESS;
}

static int load(X509_STORE *store, const char *ca)
{
    struct stat st;
    if (!ca) {
        return X509_STORE_set_default_paths(store);
    }
    return stat(ca, &st) == 0 && S_ISDIR(st.st_mode)
               ? X509_STORE_load_path(store, ca)
               : X509_STORE_load_file(store, ca);
}

fcache_status_t fcd_trust_create(const char *ca, fcd_trust_t **out_trust,
                                 apr_pool_t *pool, fcache_error_t *error)
{
    fcd_trust_t *trust = apr_palloc(pool, sizeof(*trust));
    if (trust) {
        trust->store = X509_STORE_new();
    }
    if (!trust || !trust->store) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for certificates");
    }
    apr_pool_cleanup_register(pool, trust, forget, apr_pool_cleanup_null);
    if (load(trust->store, ca) != 1) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "tls-ca=%s: no certificates to be read there",
                                ca ? ca : "(the system's)");
    }
    *out_trust = trust;
    return FCACHE_OK;
}

static CURLcode on_context(CURL *easy, void *context, void *baton)
{
    (void)easy;
    SSL_CTX_set1_cert_store(context, ((fcd_trust_t *)baton)->store);
    return CURLE_OK;
}

int fcd_trust_set(const fcd_trust_t *trust, CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_CAINFO, NULL) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                            (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, trust) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context) ==
               CURLE_OK;
}
