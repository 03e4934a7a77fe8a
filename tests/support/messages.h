/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MESSAGES_H
#define TESTS_MESSAGES_H

/* Field sections written as text: "Name: value\nName: value". */

#include <fcache/http.h>

#define MESSAGE_FIELDS 128

typedef struct message_t {
    fcache_field_t items[MESSAGE_FIELDS];
} message_t;

/* Views into `text`; what is behind the first colon is the value as it stands,
 * blanks and all. NULL or "" gives no fields. */
static inline fcache_fields_t fields_of(message_t *message, const char *text)
{
    fcache_fields_t fields = {message->items, 0};
    while (text && *text && fields.count < MESSAGE_FIELDS) {
        const char *end = strchr(text, '\n');
        size_t len = end ? (size_t)(end - text) : strlen(text);
        const char *colon = memchr(text, ':', len);
        size_t name_len = colon ? (size_t)(colon - text) : len;
        fcache_field_t *field = &message->items[fields.count++];
        field->name = fcache_bytes(text, name_len);
        field->value = colon ? fcache_bytes(colon + 1, len - name_len - 1)
                             : fcache_bytes(NULL, 0);
        text = end ? end + 1 : NULL;
    }
    return fields;
}

#endif
