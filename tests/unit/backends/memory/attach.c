/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the region of another process, and whose regions are believed. */
#include "box.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#define STRANGER 65534

/* With a child, as httpd has. */
static void serve_until_killed(const char *name, uid_t user, int ready)
{
    pid_t parent = getpid();
    if (user && setuid(user)) {
        _exit(1);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    box_t box = box_open(name, "2M", NULL);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1);
        }
    }
    box_join(&box);
    if (getpid() == parent) {
        put_text(&box, "a", name);
    }
    (void)!write(ready, "", 1);
    for (;;) {
        pause();
    }
}

/* A process with a store of its own, as another server would be. */
static pid_t start_server_of(const char *name, uid_t user)
{
    int ready[2];
    char byte;
    fflush(NULL);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        serve_until_killed(name, user, ready[1]);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static pid_t start_server(const char *name)
{
    return start_server_of(name, 0);
}

static void stop_server(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static fcache_status_t attach(box_t *box, const char *name, pid_t pid)
{
    memset(box, 0, sizeof(*box));
    apr_pool_create(&box->pool, NULL);
    box_create(box, "ctl", name, pid ? "pid" : NULL,
               apr_itoa(box->pool, (int)pid));
    fcache_status_t status = ops->open(box->store, box->pool, &box->error);
    if (status == FCACHE_OK) {
        assert_null(box->store->region.base); /* not before it joins */
        box_join(box);
    }
    return status;
}

static void attach_by_name(void **state)
{
    (void)state;
    box_t box;
    char name[40];
    snprintf(name, sizeof(name), "attach-%d", (int)getpid());
    assert_int_equal(attach(&box, name, 0), FCACHE_UNAVAILABLE);
    assert_non_null(strstr(box.error.text, name));
    apr_pool_destroy(box.pool);

    pid_t one = start_server(name);
    assert_int_equal(attach(&box, name, 0), FCACHE_OK);
    assert_string_equal(get_text(&box, "a"), name);
    assert_int_equal(stats_of(&box).processes, 3);
    assert_int_equal(put_text(&box, "b", "from outside"), FCACHE_OK);
    box_close(&box);

    pid_t two = start_server(name);
    assert_int_equal(attach(&box, name, 0), FCACHE_BAD_CONFIG);
    assert_string_equal(strstr(box.error.text, "pid="),
                        apr_psprintf(box.pool, "pid= one of %d, %d",
                                     one < two ? one : two,
                                     one < two ? two : one));
    apr_pool_destroy(box.pool);

    assert_int_equal(attach(&box, name, one), FCACHE_OK);
    assert_string_equal(get_text(&box, "b"), "from outside");
    box_close(&box);
    assert_int_equal(attach(&box, name, two), FCACHE_OK);
    assert_string_equal(get_text(&box, "b"), "-");
    box_close(&box);
    stop_server(one);
    stop_server(two);
}

static void owners_that_are_trusted(void **state)
{
    static const struct {
        uid_t owner, self, named;
        int trusted;
    } rows[] = {
        {0, 0, 0, 1}, {0, 7, 0, 1}, {7, 7, 0, 1}, /* root's, one's own */
        {7, 0, 0, 0}, {7, 8, 0, 0}, {7, 8, 9, 0}, /* a stranger's */
        {7, 0, 7, 1}, {7, 8, 7, 1},               /* named by its pid */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(
            fcm_owner_is_trusted(rows[i].owner, rows[i].self, rows[i].named),
            rows[i].trusted);
    }
}

/* Any user's process can show a memory file of any title. */
static void strangers_are_not_believed(void **state)
{
    (void)state;
    box_t box;
    char name[40];
    snprintf(name, sizeof(name), "stranger-%d", (int)getpid());
    pid_t stranger = start_server_of(name, STRANGER);
    assert_int_equal(attach(&box, name, 0), FCACHE_UNAVAILABLE);
    assert_non_null(strstr(box.error.text, "another user"));
    apr_pool_destroy(box.pool);

    pid_t server = start_server(name);
    assert_int_equal(attach(&box, name, 0), FCACHE_OK);
    assert_int_equal(put_text(&box, "b", "the server's"), FCACHE_OK);
    box_close(&box);

    assert_int_equal(attach(&box, name, stranger), FCACHE_OK);
    assert_string_equal(get_text(&box, "b"), "-");
    box_close(&box);
    stop_server(stranger);
    stop_server(server);
}

/* What has our name but is not ours is refused. */
static void hostile_regions(void **state)
{
    (void)state;
    char name[40];
    char title[60];
    snprintf(name, sizeof(name), "hostile-%d", (int)getpid());
    snprintf(title, sizeof(title), "fcache:%s", name);
    box_t good = box_make("1M");
    for (int i = 0; i < 5; i++) {
        box_t box;
        int fd = memfd_create(title, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        fcm_super_t super = *fcm_super(&good.store->region);
        super.magic += i == 1;
        super.layout += i == 2;
        super.size = i == 3 ? UINT64_MAX : super.size;
        assert_int_equal(write(fd, &super, i == 4 ? 64 : sizeof(super)),
                         i == 4 ? 64 : sizeof(super));
        if (i) {
            assert_int_equal(
                fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
        }
        assert_int_equal(attach(&box, name, 0), FCACHE_UNAVAILABLE);
        apr_pool_destroy(box.pool);
        close(fd);
    }
    box_close(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attach_by_name),
        cmocka_unit_test(owners_that_are_trusted),
        cmocka_unit_test(hostile_regions),
    };
    const struct CMUnitTest of_root[] = {
        cmocka_unit_test(strangers_are_not_believed),
    };
    int failed = cmocka_run_group_tests(tests, apr_up, NULL);
    if (geteuid() == 0) { /* who else can be two users? */
        failed += cmocka_run_group_tests(of_root, apr_up, NULL);
    }
    return failed;
}
