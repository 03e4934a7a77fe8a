/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 65534 /* user and group of nobody, to every Linux */

/* Root is needed to find a store and open its memory. What lies in there was
 * written by the server's children, and it is looked at without that power. A
 * remote store may need it for longer, for a socket or credentials. */
fcache_status_t ctl_give_up_root(fcache_error_t *error)
{
    if (geteuid() != 0) {
        return FCACHE_OK;
    }
    if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
        setresuid(NOBODY, NOBODY, NOBODY)) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "cannot give up the rights of root: %s",
                                strerror(errno));
    }
    return FCACHE_OK;
}
