// SPDX-License-Identifier: Apache-2.0

// The same library from C++17: every header, and a function whose results are
// cached.

#include <fcache/args.h>
#include <fcache/backend.h>
#include <fcache/bytes.h>
#include <fcache/cache.h>
#include <fcache/call.h>
#include <fcache/coder.h>
#include <fcache/entry.h>
#include <fcache/fcache.h>
#include <fcache/flight.h>
#include <fcache/http.h>
#include <fcache/key.h>
#include <fcache/policy.h>
#include <fcache/shape.h>
#include <fcache/stats.h>
#include <fcache/status.h>

#include <apr_general.h>
#include <apr_time.h>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace
{

struct Runtime {
    Runtime()
    {
        apr_initialize();
    }
    ~Runtime()
    {
        apr_terminate();
    }
};

struct DestroyPool {
    void operator()(apr_pool_t *pool) const
    {
        apr_pool_destroy(pool);
    }
};
using Pool = std::unique_ptr<apr_pool_t, DestroyPool>;

Pool make_pool()
{
    apr_pool_t *pool = nullptr;
    apr_pool_create(&pool, nullptr);
    return Pool(pool);
}

void check(fcache_status_t status, const fcache_error_t &error)
{
    if (status != FCACHE_OK) {
        throw std::runtime_error(error.text);
    }
}

// What the library leaves to the program.

std::int64_t clock_now(void *)
{
    return apr_time_now();
}

void clock_wait(void *, std::int64_t pause_us)
{
    apr_sleep(pause_us);
}

const fcache_env_t env{clock_now, clock_wait, nullptr, nullptr};

// A struct, described once.

struct Point {
    double x, y;
};

const fcache_member_t point_members[] = {
    FCACHE_MEMBER(Point, x, FCACHE_KIND_DOUBLE),
    FCACHE_MEMBER(Point, y, FCACHE_KIND_DOUBLE),
};
const fcache_shape_t point_shape = FCACHE_SHAPE(Point, point_members);

struct Path {
    std::int64_t id;
    fcache_bytes_t name;
    const Point *points;
    std::size_t point_count;
};

const fcache_member_t path_members[] = {
    FCACHE_MEMBER(Path, id, FCACHE_KIND_INT64),
    FCACHE_MEMBER(Path, name, FCACHE_KIND_STRING),
    FCACHE_ARRAY(Path, points, point_count, FCACHE_KIND_SHAPE, &point_shape),
};
const fcache_shape_t path_shape = FCACHE_SHAPE(Path, path_members);

// A slow function. No exception may leave it: the library is C.

fcache_status_t find_path(void *, const fcache_arg_t *args, std::size_t,
                          void *out_value, apr_pool_t *, fcache_error_t *)
{
    static const Point points[] = {{0, -0.0}, {0.1, 1e300}};

    *static_cast<Path *>(out_value) = {args[0].as.integer,
                                       fcache_str("\xc3\xbc"
                                                  "ber"),
                                       points, 2};
    return FCACHE_OK;
}

void call_twice(const char *url)
{
    const Pool pool = make_pool();
    const fcache_arg_t args[] = {fcache_arg_int(INT64_MIN)};
    fcache_options_t options{};
    fcache_call_t call{};
    fcache_call_report_t report{};
    fcache_error_t error{};
    fcache_t *cache = nullptr;

    options.store = url;
    options.prefix = "cpp";
    check(fcache_create(&options, &cache, pool.get(), &error), error);
    call.module = "example";
    call.function = "find_path";
    call.fn = find_path;
    check(fcache_shape_coder_create("path", &path_shape, FCACHE_SHAPE_BINARY,
                                    nullptr, &call.coder, pool.get(), &error),
          error);
    for (int i = 0; i < 2; i++) {
        Path path{};

        check(fcache_call(cache, &call, args, 1, &env, &path, &report,
                          pool.get(), &error),
              error);
        std::cout << path.id << ' '
                  << std::string_view(path.name.ptr, path.name.len) << ' '
                  << path.points[1].y << ", "
                  << fcache_call_source_text(report.source) << '\n';
    }
}

} // namespace

int main(int argc, char **argv)
{
    const Runtime runtime;

    try {
        call_twice(argc > 1 ? argv[1] : "memory:?size=4M");
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
