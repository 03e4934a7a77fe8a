/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/status.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const struct {
    const char *name;
    const char *text;
    int is_fault;
} statuses[] = {
#define X(name, fault, text) {#name, text, fault},
    FCACHE_STATUS_LIST(X)
#undef X
};

static int is_known(fcache_status_t status)
{
    return (size_t)status < sizeof statuses / sizeof statuses[0];
}

const char *fcache_status_name(fcache_status_t status)
{
    return is_known(status) ? statuses[status].name : "?";
}

const char *fcache_status_text(fcache_status_t status)
{
    return is_known(status) ? statuses[status].text : "?";
}

int fcache_status_is_fault(fcache_status_t status)
{
    return is_known(status) ? statuses[status].is_fault : 1;
}

fcache_status_t fcache_error_set(fcache_error_t *error, fcache_status_t status,
                                 const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        if (vsnprintf(error->text, sizeof error->text, format, arguments) < 0) {
            error->text[0] = '\0';
        }
        va_end(arguments);
    }
    return status;
}
