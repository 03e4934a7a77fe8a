/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

static json_t *elements_json(const ctl_t *ctl, fcache_bytes_t canonical)
{
    json_t *elements = json_array();
    fcache_bytes_t label, value;
    size_t offset = 0;

    while (fcache_canonical_next(canonical, &offset, &label, &value) == 1) {
        json_array_append_new(elements,
                              json_pack("{s:o, s:o}", "label",
                                        ctl_json_bytes(ctl, label), "value",
                                        ctl_json_bytes(ctl, value)));
    }
    return elements;
}

/* The names that the URL's responses vary by; empty without an index. */
static fcache_status_t vary_names(ctl_t *ctl, const ctl_key_t *key,
                                  json_t **out_names)
{
    fcache_hit_t index = {0};
    fcache_status_t status =
        fcache_lookup(ctl->cache, &key->key, NULL, ctl->now_us, NULL, &index,
                      ctl->pool, &ctl->error);

    *out_names = status == FCACHE_OK && index.entry.kind == FCACHE_ENTRY_VARY
                     ? ctl_entry_vary_names(&index.entry)
                     : json_array();
    fcache_pin_release(ctl->cache, index.pin);
    return status == FCACHE_MISS ? FCACHE_OK : status;
}

/* What the request would be answered with, as the server decides it without
 * any directive. */
static void add_decision(ctl_t *ctl, const fcache_request_t *request,
                         const fcache_hit_t *hit, int found, json_t *answer)
{
    const char *plan = "pass by the cache";
    const char *rule = "admit";
    fcache_policy_t policy;
    fcache_decision_t decision;
    fcache_reason_t reason;

    fcache_policy_init(&policy);
    reason = fcache_admit(&policy, request);
    if (reason == FCACHE_REASON_NONE) {
        decision = fcache_decide(&policy, found ? &hit->entry : NULL,
                                 hit->soft_purged, request, ctl->now_us);
        plan = fcache_plan_text(decision.plan);
        rule = "decide";
        reason = decision.reason;
        if (!found && hit->varied) {
            reason = FCACHE_REASON_VARY_MISS;
        }
    }
    json_object_set_new(answer, "plan", json_string(plan));
    json_object_set_new(answer, "rule", json_string(rule));
    json_object_set_new(answer, "reason",
                        json_string(fcache_reason_text(reason)));
}

/* The entry that the request selects. */
static void add_entry(ctl_t *ctl, const fcache_hit_t *hit, json_t *answer)
{
    json_t *row =
        ctl_entry_row(ctl, hit->key.name, &hit->entry, hit->soft_purged, 1);

    if (hit->varied) {
        json_object_set(answer, "variant", json_object_get(row, "name"));
    }
    json_object_update_missing(answer, row);
    json_decref(row);
}

static ctl_exit_t explain(ctl_t *ctl, const ctl_key_t *key, json_t *answer)
{
    fcache_hit_t hit = {0};
    json_t *names;
    fcache_status_t status = vary_names(ctl, key, &names);

    json_object_set_new(answer, "vary", names);
    if (status == FCACHE_OK) {
        status = fcache_lookup(ctl->cache, &key->key, &key->request,
                               ctl->now_us, NULL, &hit, ctl->pool, &ctl->error);
    }
    if (status != FCACHE_OK && status != FCACHE_MISS) {
        json_decref(answer);
        return ctl_failed(ctl, status, ctl->args[0]);
    }
    json_object_set_new(answer, "found", json_boolean(status == FCACHE_OK));
    if (status == FCACHE_OK) {
        add_entry(ctl, &hit, answer);
    }
    add_decision(ctl, &key->request, &hit, status == FCACHE_OK, answer);
    fcache_pin_release(ctl->cache, hit.pin);
    if (ctl_print(ctl, answer) != CTL_OK) {
        return CTL_FAULT;
    }
    return status == FCACHE_OK ? CTL_OK : CTL_NOT_FOUND;
}

ctl_exit_t ctl_explain(ctl_t *ctl)
{
    ctl_key_t key;
    ctl_exit_t code;

    if (ctl_key_kind(ctl->args[0]) != CTL_KEY_URL) {
        return ctl_usage("explain takes an http or https URL");
    }
    code = ctl_key(ctl, ctl->args[0], &key);
    if (code != CTL_OK) {
        return code;
    }
    return explain(
        ctl, &key,
        json_pack("{s:s, s:o, s:o}", "key",
                  fcache_canonical_format(key.key.canonical, ctl->pool),
                  "elements", elements_json(ctl, key.key.canonical), "name",
                  ctl_json_bytes(ctl, key.key.name)));
}
