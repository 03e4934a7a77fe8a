/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MFC_HOOKS_H
#define MFC_HOOKS_H

/*
 * What the module's files offer httpd: mod_fcache.c registers it. In the order in
 * which httpd comes to it.
 */

#include <http_config.h>
#include <httpd.h>
#include <util_filter.h>

/* httpd looks it up by name. */
extern module AP_MODULE_DECLARE_DATA fcache_module
    __attribute__((visibility("default")));

/* ---- of the server ------------------------------------------------------- */

/* lifecycle.c */
int mfc_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int mfc_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                     server_rec *main_server);
int mfc_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *main_server);
void mfc_child_init(apr_pool_t *pchild, server_rec *main_server);

/* dump.c: with httpd -t -D DUMP_FCACHE tells the stores and scopes. */
void mfc_on_test_config(apr_pool_t *pconf, server_rec *main_server);

/* framing.c: watches mod_proxy's responses, to tell bodies that end with the
 * connection from framed ones (T35). */
void mfc_framing_hook(void);

/* status.c: shows the stores on mod_status's page, when there is one. */
void mfc_status_hook(void);

/* optional.c: offers other modules the functions of mod_fcache.h. */
void mfc_optional_hook(void);

/* ---- of a request -------------------------------------------------------- */

/* repeat.c: a repeated request is of the client's scheme, port and protocol. */
int mfc_on_read(request_rec *r);
const char *mfc_on_scheme(const request_rec *r);
apr_port_t mfc_on_port(const request_rec *r);
int mfc_on_is_tls(conn_rec *c);

/* body.c: what was read of the body of a request is there for the one that a
 * redirect inside of httpd makes of it. */
int mfc_on_redirect(request_rec *r);

/* message.c: before the origin's URL is made: a query that the key rules cut or
 * sort is forwarded so. */
int mfc_on_translate(request_rec *r);

/* admin.c */
int mfc_on_purge(request_rec *r);
int mfc_on_admin(request_rec *r);

/* flow.c: the path of a request */
int mfc_on_request(request_rec *r);
apr_status_t mfc_on_response(ap_filter_t *f, apr_bucket_brigade *bb);
void mfc_on_error(request_rec *r);
int mfc_on_log(request_rec *r);

/* rules.c: what FCacheInvalidate says is done when a write is answered, also when
 * it is httpd that makes the answer. */
void mfc_rules_insert(request_rec *r);
void mfc_rules_on_error(request_rec *r);

/* ---- filters ------------------------------------------------------------- */

/* body.c, framing.c (the latter reads the lines of a response's head), repeat.c */
apr_status_t mfc_body_replay(ap_filter_t *f, apr_bucket_brigade *bb,
                             ap_input_mode_t mode, apr_read_type_e block,
                             apr_off_t readbytes);
apr_status_t mfc_framing_filter(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes);
apr_status_t mfc_lines_filter(ap_filter_t *f, apr_bucket_brigade *bb,
                              ap_input_mode_t mode, apr_read_type_e block,
                              apr_off_t readbytes);
apr_status_t mfc_repeat_no_body(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes);

/* repeat.c, invalidate.c, rules.c, stale.c */
apr_status_t mfc_repeat_sink(ap_filter_t *f, apr_bucket_brigade *bb);
apr_status_t mfc_repeat_drain(ap_filter_t *f, apr_bucket_brigade *bb);
apr_status_t mfc_bypass_filter(ap_filter_t *f, apr_bucket_brigade *bb);
apr_status_t mfc_rules_filter(ap_filter_t *f, apr_bucket_brigade *bb);
apr_status_t mfc_stale_filter(ap_filter_t *f, apr_bucket_brigade *bb);

extern ap_filter_rec_t *mfc_capture_handle;
extern ap_filter_rec_t *mfc_bypass_handle;
extern ap_filter_rec_t *mfc_rules_handle;
extern ap_filter_rec_t *mfc_replay_handle;
extern ap_filter_rec_t *mfc_stale_handle;
extern ap_filter_rec_t *mfc_framing_handle;
extern ap_filter_rec_t *mfc_lines_handle;
extern ap_filter_rec_t *mfc_no_body_handle;
extern ap_filter_rec_t *mfc_sink_handle;
extern ap_filter_rec_t *mfc_drain_handle;

#endif
