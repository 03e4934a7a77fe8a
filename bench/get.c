/* SPDX-License-Identifier: Apache-2.0 */
/*
 * get redis|memcached PORT BYTES SECONDS: the least that a hit in a store can
 * cost. One value, asked for in a loop by the plain library, blocking. Prints
 * requests, p50 and p99 in us, and CPU us per request.
 */
#include "bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MAX_SAMPLES 2000000

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: get redis|memcached PORT BYTES SECONDS\n");
        return 2;
    }
    int port = (int)strtol(argv[2], NULL, 10);
    size_t len = strtoul(argv[3], NULL, 10);
    double seconds = strtod(argv[4], NULL);
    char *value = calloc(1, len + 1);
    float *samples = malloc(MAX_SAMPLES * sizeof(*samples));
    size_t count = 0;
    if (!value || !samples || !bare_connect(argv[1], port) ||
        !bare_put(value, len)) {
        fprintf(stderr, "get: no answer\n");
        return 1;
    }
    double cpu = cpu_us();
    double end = now_us() + seconds * 1e6;
    for (double at = now_us(); at < end && count < MAX_SAMPLES;) {
        if (bare_get() != (long)len) {
            fprintf(stderr, "get: wrong answer\n");
            return 1;
        }
        double then = now_us();
        samples[count++] = (float)(then - at);
        at = then;
    }
    cpu = cpu_us() - cpu;
    qsort(samples, count, sizeof(*samples), ascending);
    printf("%zu %.2f %.2f %.2f\n", count, (double)samples[count / 2],
           (double)samples[count * 99 / 100], cpu / (double)count);
    return 0;
}
