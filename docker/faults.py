# SPDX-License-Identifier: Apache-2.0
"""Faults from outside, while clients ask both httpds: what each store must stand,
and what the httpds must."""
import time

from clients import Load, resumes
from compose import PROJECT, STORES, Failed, say, serves, step, wait_until

FAULT_S = 2
VICTIMS = {"redis": "redis", "cluster": "cluster2", "memcached": "memcached1",
           "dynamodb": "dynamodb"}
ADDRESSES = {"cluster2": "172.30.77.12", "master": "172.30.77.21",
             "replica": "172.30.77.22"}
HEAD = (f"{'store':10} {'fault':28} {'requests':>8} {'failed':>6} {'wrong':>5} "
        f"{'back in':>8}  result")


def victim(fleet, profile):
    """The container that is to fail; of Sentinel's, who is master now."""
    if profile != "sentinel":
        return VICTIMS[profile]
    said = fleet.inside("redis-cli", "-h", "sentinel1", "-p", "26379",
                        "sentinel", "get-master-addr-by-name", "fcache").stdout
    return next(name for name in ("master", "replica")
                if ADDRESSES[name] in said)


def store_faults(fleet, profile):
    """name: how it begins and how it ends."""
    service, profiles = victim(fleet, profile), [profile]
    network = f"{PROJECT}_private"

    def compose(*words):
        return lambda: fleet.compose(*words, service, profiles=profiles)

    def start():
        fleet.compose("start", service, profiles=profiles)
        if profile == "dynamodb":
            fleet.make_table()

    def disconnect():
        fleet.docker("network", "disconnect", network,
                     fleet.container(service, profiles))

    def connect():
        words = ["network", "connect", "--alias", service]
        if service in ADDRESSES:
            words += ["--ip", ADDRESSES[service]]
        fleet.docker(*words, network, fleet.container(service, profiles))

    return {
        "stop, start": (compose("stop", "-t", "1"), start),
        "pause, unpause": (compose("pause"), compose("unpause")),
        "kill -9, start": (compose("kill", "-s", "KILL"), start),
        "disconnect, connect": (disconnect, connect),
    }


def web_faults(fleet, _):
    def replace():
        for service, port in zip(("web1", "web2"), fleet.ports):
            fleet.compose("up", "-d", "--force-recreate", "--no-deps", service,
                          env={"STORE": STORES["redis"]})
            wait_until(lambda port=port: serves(port), service, 30)

    return {
        "kill -9 of an httpd, start": (
            lambda: fleet.compose("kill", "-s", "KILL", "web1"),
            lambda: fleet.compose("start", "web1")),
        "rolling replacement": (replace, lambda: None),
    }


def try_fault(fleet, profile, name, begin, end):
    """A row of the table, and what did not hold."""
    load = Load(fleet.ports)
    load.start()
    try:
        time.sleep(0.5)
        begin()
        time.sleep(FAULT_S)
        end()
        back_s = resumes(fleet.ports, 45)
    finally:
        load.stop()
    problems = load.problems()
    if back_s is None:
        problems.append("caching does not resume")
    row = (f"{profile:10} {name:28} {load.requests:8} {len(load.failed):6} "
           f"{len(load.wrong):5} {'never' if back_s is None else f'{back_s:.1f} s':>8}"
           f"  {'; '.join(problems) or 'passed'}")
    say("   " + row)
    return row, bool(problems)


def fault_tests(fleet, bad):
    table = []
    for profile in STORES:
        with step(f"faults: {profile}"):
            fleet.start(profile, "test")
            if resumes(fleet.ports, 30) is None:
                raise Failed(f"{profile}: nothing is cached")
            kinds = [store_faults] + ([web_faults] if profile == "redis" else [])
            for kind in kinds:
                for name in kind(fleet, profile):
                    case = kind(fleet, profile)[name]  # of who is master now
                    row, failed = try_fault(fleet, profile, name, *case)
                    table.append(row)
                    if failed:
                        bad.append(f"{profile}: {name}")
            fleet.compose("stop", "-t", "1", profiles=[profile])
    say("\n" + "\n".join([HEAD, *table]))
    say(f"{len(table)} faults, {len(bad)} bad")
