/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "remote/secret.h"

#include <stdlib.h>
#include <unistd.h>

#define ONE   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OTHER "__________________________________________8"

static char path[] = "/tmp/fcache-secret-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);
    (void)state;
    return fd < 0 || close(fd) ? -1 : 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void secrets_are_read(void **state)
{
    static const struct {
        const char *text;
        size_t count;
    } rows[] = {
        {ONE "\n", 1},
        {ONE, 1},
        {"# made on Monday\n\n" ONE "\r\n", 1},
        {"  " OTHER "\n#" ONE "\n\t" ONE "\n\n", 2},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcr_secrets_t *secrets = NULL;
        fcache_error_t error = {""};
        ROW(i, rows[i].text);
        write_file(rows[i].text);
        CHECK_INT(fcr_secrets_read(path, &secrets, &error), FCACHE_OK);
        CHECK_INT(secrets->count, rows[i].count);
        const unsigned char *one = secrets->bytes[rows[i].count - 1];
        for (int j = 0; j < FCR_SECRET_BYTES; j++) {
            CHECK_INT(one[j], j);
        }
        CHECK_INT(secrets->bytes[0][31], rows[i].count == 2 ? 255 : 31);
        fcr_secrets_free(secrets);
    }
}

static void others_are_not(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"", "no secret"},
        {"# nothing\n", "fcachectl secret > FILE"},
        {ONE "\nsecret\n", "line 2"},
        {ONE "A\n", "line 1"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\n", "line 1"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh=\n", "line 1"},
        {ONE " " ONE "\n", "line 1"},
        {ONE "\n" ONE "\n" ONE "\n", "more than 2"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcr_secrets_t *secrets = NULL;
        fcache_error_t error = {""};
        ROW(i, rows[i].text);
        write_file(rows[i].text);
        CHECK_INT(fcr_secrets_read(path, &secrets, &error), FCACHE_BAD_CONFIG);
        CHECK_INT(strstr(error.text, path) != NULL, 1);
        CHECK_INT(strstr(error.text, rows[i].says) != NULL, 1);
        CHECK_INT(strstr(error.text, ONE) == NULL, 1);
    }
    FILE *file = fopen(path, "we");
    for (int i = 0; i < 5000; i++) {
        fputc('#', file);
    }
    fclose(file);
    fcr_secrets_t *secrets = NULL;
    assert_int_equal(fcr_secrets_read(path, &secrets, NULL), FCACHE_BAD_CONFIG);
    assert_int_equal(fcr_secrets_read("/tmp", &secrets, NULL),
                     FCACHE_BAD_CONFIG);
    assert_int_equal(fcr_secrets_read("/nowhere/at all", &secrets, NULL),
                     FCACHE_BAD_CONFIG);
}

static void modes_are_looked_at(void **state)
{
    static const struct {
        mode_t mode;
        fcache_status_t status;
    } rows[] = {
        {0400, FCACHE_OK},         {0600, FCACHE_OK},
        {0640, FCACHE_OK},         {0440, FCACHE_OK},
        {0644, FCACHE_BAD_CONFIG}, {0660, FCACHE_BAD_CONFIG},
        {0604, FCACHE_BAD_CONFIG}, {0602, FCACHE_BAD_CONFIG},
        {0601, FCACHE_BAD_CONFIG}, {0650, FCACHE_BAD_CONFIG},
    };
    (void)state;
    write_file(ONE "\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcr_secrets_t *secrets = NULL;
        fcache_error_t error = {""};
        char mode[16];
        snprintf(mode, sizeof(mode), "%04o", (unsigned)rows[i].mode);
        ROW(i, mode);
        CHECK_INT(chmod(path, rows[i].mode), 0);
        CHECK_INT(fcr_secrets_read(path, &secrets, &error), rows[i].status);
        if (rows[i].status == FCACHE_OK) {
            fcr_secrets_free(secrets);
        } else {
            CHECK_INT(strstr(error.text, mode) != NULL, 1);
            CHECK_INT(strstr(error.text, "0640") != NULL, 1);
        }
    }
    chmod(path, 0600);
}

static void owners_are_looked_at(void **state)
{
    static const struct {
        uid_t owner, user;
        fcache_status_t status;
    } rows[] = {
        {0, 0, FCACHE_OK},           {0, 33, FCACHE_OK},
        {33, 33, FCACHE_OK},         {33, 0, FCACHE_BAD_CONFIG},
        {34, 33, FCACHE_BAD_CONFIG},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_error_t error = {""};
        struct stat info = {.st_mode = S_IFREG | 0600, .st_uid = rows[i].owner};
        ROW(i, "owner");
        CHECK_INT(fcr_secret_check("FILE", &info, rows[i].user, &error),
                  rows[i].status);
        CHECK_INT(strstr(error.text, "FILE") != NULL,
                  rows[i].status != FCACHE_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_read),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(modes_are_looked_at),
        cmocka_unit_test(owners_are_looked_at),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
