/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

ctl_exit_t ctl_del(ctl_t *ctl)
{
    fcache_status_t status;
    ctl_key_t key;
    ctl_exit_t code = ctl_key(ctl, ctl->args[0], &key);

    if (code != CTL_OK) {
        return code;
    }
    status = fcache_del(ctl->cache, &key.key, ctl->now_us, &ctl->error);
    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, ctl->args[0]);
    }
    return ctl_print(ctl, json_pack("{s:s#}", "deleted", key.key.name.ptr,
                                    (int)key.key.name.len));
}
