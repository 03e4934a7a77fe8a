# SPDX-License-Identifier: Apache-2.0
"""The systems that can be measured, one row each in SYSTEMS.

A row is a title and a function (place, name, alone) -> argv that writes what
the server needs below place.work and says how to start it in the foreground;
alone asks for a single process, to be counted by valgrind. It raises Missing
when the machine cannot run it.
"""

import grp
import os
import pwd
import shutil
import subprocess
from collections import namedtuple

from place import stem

System = namedtuple("System", "title command")

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Missing(Exception):
    """What this machine lacks to run a system."""


def program(*names):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin"
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise Missing("no " + " or ".join(names))


def module_directory():
    apxs = program("apxs", "apxs2")
    out = subprocess.run([apxs, "-q", "LIBEXECDIR"], check=True,
                         capture_output=True, text=True)
    return out.stdout.strip()


def needed(path):
    if not os.path.exists(path):
        raise Missing("no " + path)
    return path


def own_module(directory):
    """mod_fcache.so of a build: the one named, else release, else dev."""
    builds = [directory] if directory else [
        f"{REPOSITORY}/build/{preset}" for preset in ("release", "dev")]
    for build in builds:
        module = os.path.abspath(f"{build}/mod_fcache.so")
        if os.path.exists(module):
            return module
    raise Missing(f"no mod_fcache.so in {' or '.join(builds)}: build first")


def httpd(part, quick="on", store=None):
    """httpd with conf/httpd.conf.in and one part that makes it cache, in a store
    of Place.stores if one is named."""

    def command(place, name, alone):
        user = place.user or pwd.getpwuid(os.geteuid()).pw_name
        workers = 1 if alone else place.workers
        threads = 8 if alone else place.threads
        largest = max(place.sizes)
        modules = module_directory()
        values = {
            "MODULES": modules,
            "USER": user,
            "GROUP": grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name,
            "WORKERS": workers,
            "THREADS": threads,
            "MAX_WORKERS": workers * threads,
            "MAX_OBJECT": max(1000000, largest),
            "SOCACHE_MAX": max(102400, largest + 16384),
            "QUICK": quick,
            "BACKEND": "",
            "PROVIDER": "shmcb",
            "SOCACHE": f"shmcb:{place.work}/{stem(name)}(536870912)",
        }
        if store:
            address = f"127.0.0.1:{place.stores[store]}"
            values["BACKEND"] = f'FCacheBackend default "{store}://{address}?compress=off"'
            values["PROVIDER"] = store.replace("cached", "cache")
            values["SOCACHE"] = f"{values['PROVIDER']}:{address}"
        if part == "fcache":
            values["FCACHE_MODULE"] = own_module(name.partition("@")[2])
        elif part != "proxy":
            needed(f"{modules}/mod_cache_{part}.so")
        place.directory(place.cache, stem(name))
        place.directory(place.cache, stem(name) + "-lock")
        conf = place.fill(name, ["httpd", "httpd-" + part], values,
                          place.httpd_extra)
        argv = [program("httpd", "apache2"), "-f", conf]
        return argv + (["-X"] if alone else ["-DFOREGROUND"])

    return command


def nginx(sendfile):
    def command(place, name, alone):
        place.directory(place.cache, stem(name))
        conf = place.fill(name, ["nginx"], {"SENDFILE": sendfile,
                                            "WORKERS": place.workers})
        argv = [program("nginx"), "-p", place.work, "-c", conf,
                "-e", f"{place.work}/{stem(name)}.err"]
        return argv + (["-g", "master_process off;"] if alone else [])

    return command


def varnish(place, name, alone):
    if alone:
        raise Missing("varnishd does not run in one process")
    return [program("varnishd"), "-F", "-j", "none",
            "-n", f"{place.work}/{stem(name)}",
            "-a", f"127.0.0.1:{place.port(name)}",
            "-b", f"127.0.0.1:{place.origin_port}",
            "-s", "malloc,1g", "-T", "none",
            "-p", f"thread_pools={max(1, place.workers)}",
            "-p", "thread_pool_min=150", "-p", "thread_pool_max=1000"]


SYSTEMS = {
    "fcache": System("mod_fcache, shared memory", httpd("fcache")),
    "socache": System("mod_cache_socache, shmcb", httpd("socache")),
    "disk": System("mod_cache_disk, tmpfs", httpd("disk")),
    "socache-checked": System("mod_cache_socache, CacheQuickHandler off",
                              httpd("socache", quick="off")),
    "disk-checked": System("mod_cache_disk, CacheQuickHandler off",
                           httpd("disk", quick="off")),
    "proxy": System("httpd without a cache", httpd("proxy")),
    "fcache-redis": System("mod_fcache, Redis",
                           httpd("fcache", store="redis")),
    "socache-redis": System("mod_cache_socache, Redis",
                            httpd("socache", store="redis")),
    "fcache-memcached": System("mod_fcache, Memcached",
                               httpd("fcache", store="memcached")),
    "socache-memcached": System("mod_cache_socache, Memcached",
                                httpd("socache", store="memcached")),
    "nginx": System("nginx proxy_cache, sendfile", nginx("on")),
    "nginx-nosendfile": System("nginx proxy_cache, no sendfile",
                               nginx("off")),
    "varnish": System("Varnish, malloc", varnish),
}

DEFAULT = "fcache,socache,disk,nginx,nginx-nosendfile,varnish"


def system(name):
    """The row of a name; NAME@DIRECTORY picks another build of the module."""
    return SYSTEMS[name.partition("@")[0]]
