/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

ctl_exit_t ctl_init(ctl_t *ctl)
{
    fcache_status_t status =
        fcache_backend_setup(fcache_backend_of(ctl->cache), &ctl->error);

    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, "init");
    }
    return ctl_print(ctl, json_pack("{s:s}", "store", "ready"));
}
