/* SPDX-License-Identifier: Apache-2.0 */

/* What the service's errors mean (DynamoDB Developer Guide, "Error handling"). */

#include "reply.h"

#include "json.h"

#include <stdio.h>

typedef struct failure_row_t {
    const char *type;
    fcache_status_t status;
    fcd_remedy_t remedy;
    const char *text;
} failure_row_t;

static const failure_row_t rows[] = {
    {"ConditionalCheckFailedException", FCACHE_EXISTS, FCD_REMEDY_NONE,
     "something else is there"},
    {"ResourceInUseException", FCACHE_EXISTS, FCD_REMEDY_NONE,
     "it is there, or being made"},
    {"ResourceNotFoundException", FCACHE_UNAVAILABLE, FCD_REMEDY_TABLE,
     "there is no such table"},
    {"ProvisionedThroughputExceededException", FCACHE_UNAVAILABLE,
     FCD_REMEDY_NONE, "the table's capacity is used up"},
    {"ThrottlingException", FCACHE_UNAVAILABLE, FCD_REMEDY_NONE,
     "too many requests"},
    {"RequestLimitExceeded", FCACHE_UNAVAILABLE, FCD_REMEDY_NONE,
     "the account's capacity is used up"},
    {"LimitExceededException", FCACHE_UNAVAILABLE, FCD_REMEDY_NONE,
     "too many changes of tables at once"},
    {"TransactionConflictException", FCACHE_EXISTS, FCD_REMEDY_AGAIN,
     "somebody else's transaction has the item"},
    {"TransactionCanceledException", FCACHE_EXISTS, FCD_REMEDY_NONE,
     "a part of it cannot be done"},
    /* why a transaction was */
    {"ConditionalCheckFailed", FCACHE_EXISTS, FCD_REMEDY_NONE,
     "something else is there"},
    {"TransactionConflict", FCACHE_EXISTS, FCD_REMEDY_AGAIN,
     "somebody else's transaction has the item"},
    {"ProvisionedThroughputExceeded", FCACHE_UNAVAILABLE, FCD_REMEDY_NONE,
     "the table's capacity is used up"},
    {"ThrottlingError", FCACHE_UNAVAILABLE, FCD_REMEDY_NONE,
     "too many requests"},
    {"ExpiredTokenException", FCACHE_UNAVAILABLE, FCD_REMEDY_CREDENTIALS,
     "the credentials have expired"},
    {"UnrecognizedClientException", FCACHE_UNAVAILABLE, FCD_REMEDY_CREDENTIALS,
     "the credentials are not known"},
    {"InvalidClientTokenId", FCACHE_UNAVAILABLE, FCD_REMEDY_CREDENTIALS,
     "the credentials are not known"},
    {"InvalidSignatureException", FCACHE_UNAVAILABLE, FCD_REMEDY_CLOCK,
     "the secret key or the clock is wrong"},
    {"RequestTimeTooSkewed", FCACHE_UNAVAILABLE, FCD_REMEDY_CLOCK,
     "the clock is wrong"},
    {"RequestExpired", FCACHE_UNAVAILABLE, FCD_REMEDY_CLOCK,
     "the clock is wrong"},
    {"AccessDeniedException", FCACHE_UNAVAILABLE, FCD_REMEDY_NONE,
     "the credentials do not allow it: docs/dynamodb.md has a policy"},
    {"UnknownOperationException", FCACHE_UNSUPPORTED, FCD_REMEDY_NONE,
     "the server does not know that operation"},
};

/* The type, if it is letters and digits, else "". */
static void copy_type(fcache_bytes_t text, char out[FCD_TYPE_MAX])
{
    size_t len = 0;
    for (; len < text.len && len < FCD_TYPE_MAX - 1; len++) {
        char c = text.ptr[len];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c >= '0' && c <= '9'))) {
            break;
        }
        out[len] = c;
    }
    out[len == text.len ? len : 0] = '\0';
}

/* "com.amazonaws.dynamodb.v20120810#Type" -> "Type" */
static fcache_bytes_t behind_hash(fcache_bytes_t text)
{
    const char *hash = text.len > 0 ? memchr(text.ptr, '#', text.len) : NULL;
    size_t skip = hash ? (size_t)(hash - text.ptr) + 1 : 0;
    return fcache_bytes(text.len > 0 ? text.ptr + skip : NULL, text.len - skip);
}

static int mentions(fcache_bytes_t text, const char *word)
{
    return text.len > 0 &&
           memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

/* A ValidationException has many reasons. Its message quotes no credentials. */
static fcache_status_t judge_validation(fcache_bytes_t message,
                                        fcache_error_t *error)
{
    char text[128];
    size_t len = 0;
    if (mentions(message, "size has exceeded")) {
        return fcache_error_set(error, FCACHE_TOO_LARGE,
                                "DynamoDB: the item is above 400 KB");
    }
    if (mentions(message, "already enabled")) {
        return fcache_error_set(error, FCACHE_EXISTS,
                                "DynamoDB: it is enabled already");
    }
    for (; len < message.len && len < sizeof(text) - 1; len++) {
        char c = message.ptr[len];
        text[len] = (char)(c >= ' ' && c <= '~' ? c : '?');
    }
    text[len] = '\0';
    return fcache_error_set(error, FCACHE_PROTOCOL, "DynamoDB refuses: %s",
                            text);
}

static fcd_failure_t by_type(const char *type, fcache_error_t *error)
{
    fcd_failure_t failure = {.status = FCACHE_PROTOCOL};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].type, type) == 0) {
            failure.status = rows[i].status;
            failure.remedy = rows[i].remedy;
            fcache_error_set(error, rows[i].status, "DynamoDB: %s (%s)",
                             rows[i].text, type);
            return failure;
        }
    }
    fcache_error_set(error, failure.status, "DynamoDB refuses: %s",
                     type[0] ? type : "an error without a type");
    return failure;
}

/* The worst of its reasons: a fault; a condition that does not hold; another's
 * transaction. One for each item, "None" for those that are well. */
static fcd_failure_t judge_cancelled(const json_t *reasons,
                                     fcache_error_t *error)
{
    fcd_failure_t worst = by_type("TransactionCanceledException", error);
    uint64_t highest = 0;
    for (size_t i = 0, found = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i);
        uint64_t met = 0;
        char code[FCD_TYPE_MAX];
        copy_type(fcd_json_text(json_object_get(reason, "Code")), code);
        if (strcmp(code, "None") == 0) {
            continue;
        }
        fcache_error_t sentence = {""};
        fcd_failure_t one = by_type(code, &sentence);
        if (found++ == 0 || one.status != FCACHE_EXISTS ||
            one.remedy == FCD_REMEDY_NONE) {
            worst = one;
            fcache_error_set(error, one.status, "%s", sentence.text);
        }
        if (one.status != FCACHE_EXISTS) {
            return one;
        }
        fcd_json_counter(json_object_get(reason, "Item"), &met);
        highest = met > highest ? met : highest;
    }
    worst.highest = highest;
    return worst;
}

fcd_failure_t fcd_reply_failure(long http_status, fcache_bytes_t body,
                                fcache_error_t *error)
{
    char type[FCD_TYPE_MAX];
    fcd_failure_t failure = {.status = FCACHE_UNAVAILABLE};
    json_t *reply = fcd_json_parse(body, FCD_JSON_ANSWER);
    fcache_bytes_t message = fcd_json_text(json_object_get(reply, "message"));
    copy_type(behind_hash(fcd_json_text(json_object_get(reply, "__type"))),
              type);
    if (http_status >= 500) {
        fcache_error_set(error, failure.status,
                         "DynamoDB is not well: HTTP %ld %s", http_status,
                         type);
    } else if (strcmp(type, "ValidationException") == 0) {
        failure.status = judge_validation(message, error);
    } else if (strcmp(type, "TransactionCanceledException") == 0) {
        failure = judge_cancelled(json_object_get(reply, "CancellationReasons"),
                                  error);
    } else {
        failure = by_type(type, error);
    }
    memcpy(failure.type, type, sizeof(type));
    json_decref(reply);
    return failure;
}
