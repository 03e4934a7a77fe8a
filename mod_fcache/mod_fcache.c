/* SPDX-License-Identifier: Apache-2.0 */
/* The module's record and its hooks. The path of a request is in flow.c. */
#include "config.h"
#include "hooks.h"

#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>

ap_filter_rec_t *mfc_capture_handle;
ap_filter_rec_t *mfc_bypass_handle;
ap_filter_rec_t *mfc_rules_handle;
ap_filter_rec_t *mfc_replay_handle;
ap_filter_rec_t *mfc_stale_handle;
ap_filter_rec_t *mfc_framing_handle;
ap_filter_rec_t *mfc_lines_handle;
ap_filter_rec_t *mfc_no_body_handle;
ap_filter_rec_t *mfc_sink_handle;
ap_filter_rec_t *mfc_drain_handle;

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_pre_config(mfc_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(mfc_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(mfc_on_test_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(mfc_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(mfc_child_init, NULL, NULL, APR_HOOK_MIDDLE);

    ap_hook_post_read_request(mfc_on_read, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_post_read_request(mfc_on_redirect, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    ap_hook_http_scheme(mfc_on_scheme, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_default_port(mfc_on_port, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_ssl_conn_is_ssl(mfc_on_is_tls, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* Before the forwarded URL is made: of what a Location says, and once more
     * when a Directory has spoken. */
    ap_hook_translate_name(mfc_on_translate, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(mfc_on_translate, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(mfc_on_purge, NULL, NULL, APR_HOOK_REALLY_FIRST - 1);
    ap_hook_handler(mfc_on_request, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(mfc_on_admin, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_filter(mfc_rules_insert, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(mfc_rules_on_error, NULL, NULL,
                                APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(mfc_on_error, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(mfc_on_log, NULL, NULL, APR_HOOK_REALLY_FIRST);

    mfc_framing_hook();
    mfc_status_hook();
    mfc_optional_hook();

    /* The first to see what the handler makes: every other filter works on
     * hits as it does on misses. */
    mfc_capture_handle = ap_register_output_filter(
        "FCACHE_CAPTURE", mfc_on_response, NULL, AP_FTYPE_RESOURCE - 1);
    mfc_bypass_handle = ap_register_output_filter(
        "FCACHE_BYPASS", mfc_bypass_filter, NULL, AP_FTYPE_RESOURCE - 1);
    mfc_rules_handle = ap_register_output_filter(
        "FCACHE_RULES", mfc_rules_filter, NULL, AP_FTYPE_RESOURCE - 1);
    mfc_stale_handle = ap_register_output_filter(
        "FCACHE_STALE", mfc_stale_filter, NULL, AP_FTYPE_RESOURCE - 1);
    mfc_replay_handle = ap_register_input_filter(
        "FCACHE_REPLAY", mfc_body_replay, NULL, AP_FTYPE_RESOURCE);
    mfc_framing_handle = ap_register_input_filter(
        "FCACHE_FRAMING", mfc_framing_filter, NULL, AP_FTYPE_RESOURCE);
    mfc_lines_handle = ap_register_input_filter(
        "FCACHE_LINES", mfc_lines_filter, NULL, AP_FTYPE_PROTOCOL);

    /* The ends of a refresh: all output stops behind the capture, and what is
     * written past the filters of the request at the connection. */
    mfc_no_body_handle = ap_register_input_filter(
        "FCACHE_NO_BODY", mfc_repeat_no_body, NULL, AP_FTYPE_NETWORK);
    mfc_sink_handle = ap_register_output_filter("FCACHE_SINK", mfc_repeat_sink,
                                                NULL, AP_FTYPE_RESOURCE);
    mfc_drain_handle = ap_register_output_filter(
        "FCACHE_DRAIN", mfc_repeat_drain, NULL, AP_FTYPE_NETWORK);
}

AP_DECLARE_MODULE(fcache) = {STANDARD20_MODULE_STUFF,
                             mfc_conf_create,
                             mfc_conf_merge,
                             NULL,
                             NULL,
                             mfc_commands,
                             register_hooks,
                             AP_MODULE_FLAG_NONE};
