/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs a fuzz target without a fuzzer: every file of the folders named on the
 * command line as it is, then a fixed number of its mutations from a fixed
 * seed. Finding no file is a failure.
 */

#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES 65536
#define MUTATIONS 400

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Changes one byte, cuts the end off, or doubles a part. */
static size_t mutate(uint8_t *bytes, size_t len, uint64_t *seed)
{
    size_t at = len > 0 ? (size_t)(next_random(seed) % len) : 0;
    size_t part = len - at < 32 ? len - at : 32;
    if (len == 0) {
        return 0;
    }
    switch (next_random(seed) % 4) {
    case 0:
        bytes[at] = (uint8_t)next_random(seed);
        return len;
    case 1:
        bytes[at] = (uint8_t) "\",;=\n\\* -0"[next_random(seed) % 11];
        return len;
    case 2:
        return at;
    default:
        if (len + part > MAX_BYTES) {
            return len;
        }
        memmove(bytes + at + part, bytes + at, len - at);
        return len + part;
    }
}

/* In a block of its very size, so that sanitizers see every step outside. */
static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (!copy) {
        abort();
    }
    memcpy(copy, bytes, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static int replay_file(const char *path)
{
    static uint8_t bytes[MAX_BYTES];
    static uint8_t mutant[MAX_BYTES];
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 0;
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    run(bytes, len);
    for (int i = 0; i < MUTATIONS; i++) {
        size_t mutant_len = len;
        memcpy(mutant, bytes, len);
        for (uint64_t n = next_random(&seed) % 5 + 1; n > 0; n--) {
            mutant_len = mutate(mutant, mutant_len, &seed);
        }
        run(mutant, mutant_len);
    }
    return 1;
}

static int replay_folder(const char *folder)
{
    int files = 0;
    DIR *dir = opendir(folder);
    if (!dir) {
        return 0;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') {
            files += replay_file(path);
        }
    }
    closedir(dir);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        files += replay_folder(argv[i]);
    }
    printf("%d files, %d mutations of each\n", files, MUTATIONS);
    return files > 0 ? 0 : 1;
}
