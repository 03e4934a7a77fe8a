/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_NET_CERTS_H
#define TESTS_NET_CERTS_H

/* Certificates made for a test, as PEM files in a directory of its own. */

#include "check.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <unistd.h>

typedef struct cert_t {
    X509 *x509;
    EVP_PKEY *key;
} cert_t;

/* What a certificate says; all NULL or 0: an authority. */
typedef struct subject_t {
    const char *name; /* common name */
    const char *alt;  /* "DNS:...,IP:..." */
    long days;        /* until when, or since when not any more */
    const cert_t *ca; /* NULL: signed by itself */
} subject_t;

static inline void cert_extend(X509 *x509, int id, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, id, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline cert_t cert_make(const subject_t *subject)
{
    static long serial = 1;
    cert_t cert = {X509_new(), EVP_EC_gen("P-256")};
    X509_NAME *name = X509_get_subject_name(cert.x509);
    X509_set_version(cert.x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert.x509), -30 * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(cert.x509), subject->days * 86400L);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)subject->name, -1, -1, 0);
    X509_set_issuer_name(cert.x509,
                         subject->ca ? X509_get_subject_name(subject->ca->x509)
                                     : name);
    X509_set_pubkey(cert.x509, cert.key);
    cert_extend(cert.x509, NID_basic_constraints,
                subject->alt ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (subject->alt) {
        cert_extend(cert.x509, NID_subject_alt_name, subject->alt);
    }
    assert_true(X509_sign(cert.x509, subject->ca ? subject->ca->key : cert.key,
                          EVP_sha256()) > 0);
    return cert;
}

static inline void cert_free(cert_t *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
}

/* Certificate, then key if there is to be one, in one file. */
static inline void cert_write(const cert_t *cert, const char *path,
                              int with_cert, int with_key)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (with_cert) {
        assert_int_equal(PEM_write_X509(file, cert->x509), 1);
    }
    if (with_key) {
        assert_int_equal(
            PEM_write_PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL),
            1);
    }
    fclose(file);
}

#endif
