/* SPDX-License-Identifier: Apache-2.0 */
#include "tier.h"

fcache_status_t fct_unsupported(const fct_t *tier, const char *what,
                                fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_UNSUPPORTED,
                            "store %s: '%s:' cannot %s", tier->name,
                            tier->l2.ops->scheme, what);
}

/* Gets and questions find out whether L2 answers again; a put that waits for it in
 * vain would hold up the worker once more. */
static fcache_status_t put_far(const fct_t *tier, const fcache_key_t *key,
                               const fcache_value_t *value, int64_t now_us,
                               fcache_error_t *error)
{
    const fct_level_t *l2 = &tier->l2;
    fcache_value_t far = *value;
    if (atomic_load(&tier->page->is_failing)) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "store %s: l2 did not answer the last time",
                                tier->name);
    }
    far.epoch = fct_far_epoch(tier, value->epoch);
    return fct_note(tier, l2->ops->put(l2->self, key, &far, now_us, error));
}

/* `changes` is from before L2 took it. */
static fcache_status_t keep_near(fct_t *tier, const fcache_key_t *key,
                                 const fcache_value_t *value, uint32_t changes,
                                 int64_t now_us)
{
    fct_count_change(tier, key);
    return fct_near_put(tier, key, value, 0, changes + 1, now_us);
}

static void forget_near(fct_t *tier, const fcache_key_t *key, int64_t now_us)
{
    fct_count_change(tier, key);
    fct_near_del(tier, key, now_us);
}

/* While L2 fails, L1 alone takes what is put. */
fcache_status_t fct_put(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        fcache_error_t *error)
{
    fct_t *tier = self;
    uint32_t changes = fct_changes(tier, key);
    fcache_status_t far = put_far(tier, key, value, now_us, error);
    if (far != FCACHE_OK && !fcache_status_is_fault(far)) {
        forget_near(tier, key, now_us);
        return far;
    }
    fcache_status_t near = keep_near(tier, key, value, changes, now_us);
    return near == FCACHE_OK ? FCACHE_OK : far;
}

/* L1 may not say who was first: it knows of this server only. */
fcache_status_t fct_add(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        int64_t *until_us, fcache_error_t *error)
{
    fct_t *tier = self;
    const fct_level_t *l2 = &tier->l2;
    uint32_t changes = fct_changes(tier, key);
    fcache_value_t far = *value;
    far.epoch = fct_far_epoch(tier, value->epoch);
    fcache_status_t status =
        l2->ops->add
            ? l2->ops->add(l2->self, key, &far, now_us, until_us, error)
            : fct_unsupported(tier, "add", error);
    if (status == FCACHE_OK) {
        keep_near(tier, key, value, changes, now_us);
    }
    return status;
}

fcache_status_t fct_del(void *self, const fcache_key_t *key, int64_t now_us,
                        fcache_error_t *error)
{
    fct_t *tier = self;
    const fct_level_t *l2 = &tier->l2;
    fcache_status_t status = l2->ops->del
                                 ? l2->ops->del(l2->self, key, now_us, error)
                                 : fct_unsupported(tier, "delete", error);
    forget_near(tier, key, now_us);
    return status;
}

/* What is near bears the old time: L2 will be asked again. */
fcache_status_t fct_touch(void *self, const fcache_key_t *key, int64_t dead_us,
                          int64_t now_us, fcache_error_t *error)
{
    fct_t *tier = self;
    const fct_level_t *l2 = &tier->l2;
    fcache_status_t status =
        l2->ops->touch ? l2->ops->touch(l2->self, key, dead_us, now_us, error)
                       : fct_unsupported(tier, "touch", error);
    forget_near(tier, key, now_us);
    return status;
}

/*
 * L2's epoch alone makes what is near be asked for again. L1 is cleared as well,
 * for when L2 fails; then also what came from L2, whose tags are not known here,
 * and what comes later but was begun before.
 */
fcache_status_t fct_clear(void *self, const fcache_scope_t *scopes,
                          size_t count, fcache_error_t *error)
{
    fct_t *tier = self;
    const fct_level_t *l1 = &tier->l1;
    const fct_level_t *l2 = &tier->l2;
    fcache_status_t status =
        l2->ops->clear ? l2->ops->clear(l2->self, scopes, count, error)
                       : fct_unsupported(tier, "clear", error);
    if (status != FCACHE_OK) {
        fct_clear_was_missed(tier);
    }
    for (size_t i = 0; i < count; i++) {
        fcache_scope_t near = scopes[i];
        if (status != FCACHE_OK && near.kind == FCACHE_SCOPE_TAG) {
            near.kind = FCACHE_SCOPE_PREFIX;
        }
        l1->ops->clear(l1->self, &near, 1, NULL);
    }
    return status;
}
