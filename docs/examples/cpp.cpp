// SPDX-License-Identifier: Apache-2.0

// The same library from C++17: every header, and a value there and back.

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

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
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

fcache_bytes_t view(std::string_view text)
{
    return fcache_bytes(text.data(), text.size());
}

void check(fcache_status_t status, const fcache_error_t &error)
{
    if (status != FCACHE_OK) {
        throw std::runtime_error(error.text);
    }
}

fcache_t *open_cache(const char *url, apr_pool_t *pool)
{
    fcache_backends_t *kinds = fcache_backends_create(pool);
    fcache_options_t options{};
    fcache_error_t error{};
    fcache_t *cache = nullptr;

    fcache_backends_add_builtin(kinds);
    check(fcache_backend_create(kinds, "main", url, nullptr, &options.backend,
                                pool, &error),
          error);
    check(fcache_backend_open(options.backend, pool, &error), error);
    check(fcache_backend_child_init(options.backend, pool, &error), error);
    options.coders = fcache_coders_create(pool);
    check(fcache_create(&options, &cache, pool, &error), error);
    return cache;
}

std::string there_and_back(std::string_view text)
{
    const Pool pool = make_pool();
    fcache_t *cache = open_cache("memory:?size=4M", pool.get());
    fcache_tuple_t *tuple = fcache_tuple_create(pool.get());
    fcache_error_t error{};
    fcache_key_t key{};
    fcache_bytes_t value{};

    check(fcache_tuple_add(tuple, "key", view("greeting")), error);
    check(fcache_key_from_tuple(tuple, view("app"), view("texts"), &key,
                                pool.get(), &error),
          error);
    check(fcache_put(cache, &key, view(text), 60, view(""), fcache_epoch(cache),
                     apr_time_now(), &error),
          error);
    check(fcache_get(cache, &key, apr_time_now(), &value, nullptr, pool.get(),
                     &error),
          error);
    return {value.ptr, value.len};
}

} // namespace

int main()
{
    const Runtime runtime;

    try {
        std::cout << there_and_back("hello") << '\n';
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
