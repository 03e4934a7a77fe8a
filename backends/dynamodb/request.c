/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <openssl/evp.h>

#include <inttypes.h>
#include <stdio.h>

#define US_PER_S     INT64_C(1000000)
#define BASE64_CHUNK 3072 /* a multiple of 3 */
#define NUMBER_SIZE  24

static fcache_status_t append_base64(fcache_buf_t *out, fcache_bytes_t bytes)
{
    unsigned char text[BASE64_CHUNK / 3 * 4 + 1];
    fcache_status_t status = FCACHE_OK;
    for (size_t at = 0; status == FCACHE_OK && at < bytes.len;) {
        size_t len = bytes.len - at;
        len = len < BASE64_CHUNK ? len : BASE64_CHUNK;
        int written = EVP_EncodeBlock(
            text, (const unsigned char *)bytes.ptr + at, (int)len);
        status = fcache_buf_append(out, fcache_bytes(text, (size_t)written));
        at += len;
    }
    return status;
}

/* RFC 8259 §7; names are printable ASCII, which is not relied upon. */
static fcache_status_t append_escaped(fcache_buf_t *out, fcache_bytes_t text)
{
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; status == FCACHE_OK && i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char escape[8];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            status = fcache_buf_append(out, fcache_bytes(text.ptr + i, 1));
        } else {
            int len = snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
            status = fcache_buf_append(out, fcache_bytes(escape, (size_t)len));
        }
    }
    return status;
}

static fcache_status_t append_argument(fcache_buf_t *out, char kind,
                                       fcache_bytes_t argument)
{
    fcache_status_t status = fcache_buf_append(out, fcache_str("\""));
    if (status == FCACHE_OK) {
        status = kind == '$' ? append_base64(out, argument)
                             : append_escaped(out, argument);
    }
    return status == FCACHE_OK ? fcache_buf_append(out, fcache_str("\""))
                               : status;
}

/*
 * Appends the template with its ' as ", each @ as the next argument in a string,
 * and each $ as the next one in base64. There are as many as it asks for.
 */
static fcache_status_t fill(fcache_buf_t *out, const char *template,
                            const fcache_bytes_t *arguments)
{
    fcache_status_t status = FCACHE_OK;
    while (status == FCACHE_OK && *template) {
        size_t plain = strcspn(template, "'@$");
        status = fcache_buf_append(out, fcache_bytes(template, plain));
        template += plain;
        if (status != FCACHE_OK || !*template) {
            break;
        }
        if (*template == '\'') {
            status = fcache_buf_append(out, fcache_str("\""));
        } else {
            status = append_argument(out, *template, *arguments++);
        }
        template ++;
    }
    return status;
}

static fcache_bytes_t decimal(uint64_t number, char space[NUMBER_SIZE])
{
    int len = snprintf(space, NUMBER_SIZE, "%" PRIu64, number);
    return fcache_bytes(space, (size_t)len);
}

fcache_status_t fcd_request_fetch(fcache_bytes_t table,
                                  const fcache_bytes_t *names,
                                  const unsigned char *pending, size_t count,
                                  fcache_buf_t *out)
{
    const char *template = "{'n':{'S':@}}";
    fcache_status_t status =
        fill(out, "{'RequestItems':{@:{'ConsistentRead':true,'Keys':[", &table);
    for (size_t i = 0; status == FCACHE_OK && i < count; i++) {
        if (pending[i]) {
            status = fill(out, template, &names[i]);
            template = ",{'n':{'S':@}}";
        }
    }
    return status == FCACHE_OK ? fill(out, "]}}}", NULL) : status;
}

/* What must be there already, or must not. */
static fcache_status_t put_condition(const fcr_store_t *store,
                                     fcache_buf_t *out)
{
    char space[NUMBER_SIZE];
    fcache_bytes_t argument;
    switch (store->mode) {
    case FCR_ADD:
        argument = decimal((uint64_t)(store->now_us / US_PER_S), space);
        return fill(out,
                    ",'ConditionExpression':'attribute_not_exists(n) OR "
                    "t <= :now','ExpressionAttributeValues':{':now':{'N':@}}",
                    &argument);
    case FCR_REPLACE:
        argument = fcache_bytes(store->old->value.ptr, FCR_STAMP_BYTES);
        return fill(out,
                    ",'ConditionExpression':'s = :s',"
                    "'ExpressionAttributeValues':{':s':{'B':$}}",
                    &argument);
    case FCR_SET:
        break;
    }
    return FCACHE_OK;
}

fcache_status_t fcd_request_put(fcache_bytes_t table, const fcr_store_t *store,
                                fcache_bytes_t value, fcache_buf_t *out)
{
    char space[NUMBER_SIZE];
    int64_t dead_s = (store->now_us + store->ttl_us + US_PER_S - 1) / US_PER_S;
    fcache_bytes_t rest =
        fcache_bytes(value.ptr + FCR_STAMP_BYTES, value.len - FCR_STAMP_BYTES);
    fcache_bytes_t arguments[] = {
        table,
        store->name,
        decimal((uint64_t)dead_s, space),
        fcache_bytes(value.ptr, FCR_STAMP_BYTES),
    };
    fcache_status_t status =
        fill(out, "{'TableName':@,'Item':{'n':{'S':@},'t':{'N':@},'s':{'B':$}",
             arguments);
    if (status == FCACHE_OK && rest.len > 0) {
        status = fill(out, ",'v':{'B':$}", &rest);
    }
    if (status == FCACHE_OK) {
        status = fill(out, "}", NULL);
    }
    if (status == FCACHE_OK) {
        status = put_condition(store, out);
    }
    return status == FCACHE_OK ? fill(out, "}", NULL) : status;
}

fcache_status_t fcd_request_delete(fcache_bytes_t table, fcache_bytes_t name,
                                   fcache_buf_t *out)
{
    fcache_bytes_t arguments[] = {table, name};
    return fill(out,
                "{'TableName':@,'Key':{'n':{'S':@}},"
                "'ConditionExpression':'attribute_exists(n)'}",
                arguments);
}

fcache_status_t fcd_request_step(fcache_bytes_t table, fcache_bytes_t clock,
                                 uint64_t floor, fcache_buf_t *out)
{
    char space[NUMBER_SIZE];
    fcache_bytes_t arguments[] = {table, clock, decimal(floor, space)};
    return fill(out,
                "{'TableName':@,'Key':{'n':{'S':@}},"
                "'UpdateExpression':'SET c = c + :one',"
                "'ConditionExpression':'c >= :floor',"
                "'ExpressionAttributeValues':{':one':{'N':'1'},"
                "':floor':{'N':@}},'ReturnValues':'UPDATED_NEW'}",
                arguments);
}

fcache_status_t fcd_request_lift(fcache_bytes_t table, fcache_bytes_t clock,
                                 uint64_t floor, fcache_buf_t *out)
{
    char space[NUMBER_SIZE];
    fcache_bytes_t arguments[] = {table, clock, decimal(floor, space)};
    return fill(out,
                "{'TableName':@,'Key':{'n':{'S':@}},"
                "'UpdateExpression':'SET c = :floor',"
                "'ConditionExpression':'attribute_not_exists(c) OR c < :floor',"
                "'ExpressionAttributeValues':{':floor':{'N':@}},"
                "'ReturnValues':'UPDATED_NEW'}",
                arguments);
}

fcache_status_t fcd_request_swap(fcache_bytes_t table, fcache_bytes_t name,
                                 uint64_t old, uint64_t value,
                                 fcache_buf_t *out)
{
    char old_space[NUMBER_SIZE], space[NUMBER_SIZE];
    fcache_bytes_t arguments[] = {table, name, decimal(old, old_space),
                                  decimal(value, space)};
    return fill(out,
                "{'TableName':@,'Key':{'n':{'S':@}},"
                "'UpdateExpression':'SET c = :c',"
                "'ConditionExpression':'attribute_not_exists(c) OR c = :old',"
                "'ExpressionAttributeValues':{':old':{'N':@},':c':{'N':@}}}",
                arguments);
}

static fcache_status_t append_count(fcache_bytes_t table,
                                    fcache_bytes_t counter, uint64_t value,
                                    const char *end, fcache_buf_t *out)
{
    char space[NUMBER_SIZE];
    fcache_bytes_t arguments[] = {table, counter, decimal(value, space)};
    fcache_status_t status =
        fill(out,
             "{'TableName':@,'Key':{'n':{'S':@}},"
             "'UpdateExpression':'SET c = :c',"
             "'ConditionExpression':'attribute_not_exists(c) OR c < :c',"
             "'ExpressionAttributeValues':{':c':{'N':@}}",
             arguments);
    return status == FCACHE_OK ? fill(out, end, NULL) : status;
}

fcache_status_t fcd_request_count(fcache_bytes_t table, fcache_bytes_t counter,
                                  uint64_t value, fcache_buf_t *out)
{
    return append_count(table, counter, value, "}", out);
}

fcache_status_t fcd_request_counts(fcache_bytes_t table, fcache_bytes_t clock,
                                   const fcache_bytes_t *counters, size_t count,
                                   uint64_t value, fcache_buf_t *out)
{
    static const char end[] =
        ",'ReturnValuesOnConditionCheckFailure':'ALL_OLD'}}";
    fcache_status_t status = fill(out, "{'TransactItems':[{'Update':", NULL);
    if (status == FCACHE_OK) {
        status = append_count(table, clock, value, end, out);
    }
    for (size_t i = 0; status == FCACHE_OK && i < count; i++) {
        status = fill(out, ",{'Update':", NULL);
        if (status == FCACHE_OK) {
            status = append_count(table, counters[i], value, end, out);
        }
    }
    return status == FCACHE_OK ? fill(out, "]}", NULL) : status;
}

fcache_status_t fcd_request_counters(fcache_bytes_t table,
                                     const fcache_bytes_t *names, size_t count,
                                     fcache_buf_t *out)
{
    const char *template = "{'Get':{'TableName':@,'Key':{'n':{'S':@}}}}";
    fcache_status_t status = fill(out, "{'TransactItems':[", NULL);
    for (size_t i = 0; status == FCACHE_OK && i < count; i++) {
        fcache_bytes_t arguments[] = {table, names[i]};
        status = fill(out, template, arguments);
        template = ",{'Get':{'TableName':@,'Key':{'n':{'S':@}}}}";
    }
    return status == FCACHE_OK ? fill(out, "]}", NULL) : status;
}

fcache_status_t fcd_request_scan(fcache_bytes_t table, fcache_bytes_t after,
                                 fcache_buf_t *out)
{
    fcache_status_t status = fill(out,
                                  "{'TableName':@,'ConsistentRead':true,"
                                  "'FilterExpression':'attribute_exists(s)'",
                                  &table);
    if (status == FCACHE_OK && after.len > 0) {
        status = fill(out, ",'ExclusiveStartKey':{'n':{'S':@}}", &after);
    }
    return status == FCACHE_OK ? fill(out, "}", NULL) : status;
}

fcache_status_t fcd_request_describe(fcache_bytes_t table, fcache_buf_t *out)
{
    return fill(out, "{'TableName':@}", &table);
}

fcache_status_t fcd_request_create(fcache_bytes_t table, fcache_buf_t *out)
{
    return fill(out,
                "{'TableName':@,'BillingMode':'PAY_PER_REQUEST',"
                "'AttributeDefinitions':[{'AttributeName':'n',"
                "'AttributeType':'S'}],"
                "'KeySchema':[{'AttributeName':'n','KeyType':'HASH'}]}",
                &table);
}

fcache_status_t fcd_request_expiry(fcache_bytes_t table, fcache_buf_t *out)
{
    return fill(out,
                "{'TableName':@,'TimeToLiveSpecification':{'Enabled':true,"
                "'AttributeName':'t'}}",
                &table);
}
