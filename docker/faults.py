# SPDX-License-Identifier: Apache-2.0
"""Faults from outside, while clients ask both httpds: what each store must stand,
and what the httpds must."""
import re
import time

from clients import Load, figure, resumes
from compose import (OWN_DYNAMODB, PROJECT, STORES, Failed, say, serves, step,
                     wait_until)

FAULT_S = 2
VICTIMS = {"redis": "redis", "cluster": "cluster2", "memcached": "memcached1",
           "dynamodb": "dynamodb"}
ADDRESSES = {"cluster2": "172.30.77.12", "master": "172.30.77.21",
             "replica": "172.30.77.22"}
HEAD = (f"{'store':10} {'fault':26} {'requests':>8} {'hits':>6} {'turned':>6} "
        f"{'failed':>6} {'wrong':>5} {'slowest':>8} {'back in':>8}  result")
# httpd's words for a child that died of a signal
CRASH = re.compile(r"AH0005[12]|exit signal")


def master(fleet):
    """Which container Sentinel says is master now."""
    said = fleet.inside("redis-cli", "-h", "sentinel1", "-p", "26379",
                        "sentinel", "get-master-addr-by-name", "fcache").stdout
    for name in ("master", "replica"):
        if ADDRESSES[name] in said:
            return name
    raise Failed(f"Sentinel knows no master: {said}")


def faults_felt(fleet):
    """How many faults of the store each httpd has counted."""
    return [figure(port, "FCache-default-Faults") for port in fleet.ports]


class StoreFault:
    """One of a store's containers fails while both httpds are asked, and each has
    to have felt it."""
    may_turn = False

    def __init__(self, fleet, profile, name, begin, end):
        self.fleet, self.profile, self.name = fleet, profile, name
        self.cause, self.cure = begin, end
        self.service = master(fleet) if profile == "sentinel" else VICTIMS[profile]
        self.before = faults_felt(fleet)

    def begin(self):
        self.cause(self.fleet, self.service, self.profile)

    def end(self):
        if self.profile == "sentinel":
            wait_until(lambda: master(self.fleet) != self.service, "failover", 30)
        self.cure(self.fleet, self.service, self.profile)
        if self.profile == "dynamodb":
            self.fleet.make_table()

    def problems(self):
        after = faults_felt(self.fleet)
        if all(b is not None and a is not None and a > b
               for a, b in zip(after, self.before)):
            return []
        return [f"not felt: faults counted {self.before} before, {after} after"]


def compose(*words):
    return lambda fleet, service, profile: fleet.compose(*words, service,
                                                         profiles=[profile])


def disconnect(fleet, service, profile):
    fleet.docker("network", "disconnect", f"{PROJECT}_private",
                 fleet.container(service, [profile]))


def connect(fleet, service, profile):
    words = ["network", "connect", "--alias", service]
    if service in ADDRESSES:
        words += ["--ip", ADDRESSES[service]]
    fleet.docker(*words, f"{PROJECT}_private", fleet.container(service, [profile]))


STORE_FAULTS = {
    "stop, start": (compose("stop", "-t", "1"), compose("start")),
    "pause, unpause": (compose("pause"), compose("unpause")),
    "kill -9, start": (compose("kill", "-s", "KILL"), compose("start")),
    "disconnect, connect": (disconnect, connect),
}


class WebKilled:
    name, may_turn = "kill -9 of an httpd, start", True

    def __init__(self, fleet):
        self.fleet = fleet

    def begin(self):
        self.fleet.compose("kill", "-s", "KILL", "web1")

    def end(self):
        self.fleet.compose("start", "web1")

    def problems(self):
        return []


class WebsReplaced(WebKilled):
    name = "rolling replacement"

    def begin(self):
        for service, port in zip(("web1", "web2"), self.fleet.ports):
            self.fleet.compose("up", "-d", "--force-recreate", "--no-deps", service,
                               env={"STORE": STORES["redis"]})
            wait_until(lambda port=port: serves(port), service, 30)

    def end(self):
        pass


def crashes(fleet):
    """What the httpds that run now have said of children that died."""
    return [line for service in ("web1", "web2")
            for line in fleet.docker("logs", fleet.container(service)).splitlines()
            if CRASH.search(line)]


def try_fault(fleet, profile, fault):
    """A row of the table, and whether all of it held."""
    load, back_s, problems = Load(fleet.ports), None, []
    load.start()
    try:
        time.sleep(0.5)
        fault.begin()
        time.sleep(FAULT_S)
        fault.end()
        back_s = resumes(fleet.ports, 45)
    except Failed as failure:
        problems.append(str(failure))
    finally:
        load.stop()
    problems += load.problems(fault.may_turn) + fault.problems() + crashes(fleet)
    if back_s is None:
        problems.append("caching does not resume")
    row = (f"{profile:10} {fault.name:26} {load.requests:8} {load.hits:6} "
           f"{load.turned:6} {len(load.failed):6} {len(load.wrong):5} "
           f"{load.slowest_s:6.2f} s "
           f"{'never' if back_s is None else f'{back_s:.1f} s':>8}"
           f"  {'; '.join(problems) or 'passed'}")
    say("   " + row)
    return row, not problems


def faults_of(fleet, profile):
    """Each is made when its turn has come: it looks at what is there then."""
    if profile == "dynamodb" and not OWN_DYNAMODB:
        say("   none: that DynamoDB is nobody's to stop")
    else:
        for name, how in STORE_FAULTS.items():
            yield StoreFault(fleet, profile, name, *how)
    if profile == "redis":
        yield WebKilled(fleet)
        yield WebsReplaced(fleet)


def fault_tests(fleet, profile, table):
    """With that store; rows and whether they held are added to the table."""
    fleet.start(profile, "test")
    if resumes(fleet.ports, 30) is None:
        raise Failed(f"{profile}: nothing is cached")
    for fault in faults_of(fleet, profile):
        table.append(try_fault(fleet, profile, fault))
    fleet.compose("stop", "-t", "1", profiles=[profile])
