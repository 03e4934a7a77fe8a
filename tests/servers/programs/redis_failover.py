#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""redis_failover.py CASE PROGRAM: real servers are killed under PROGRAM's load
(failover.c). Nothing that was cleared may be served, and hits and clears must go
on afterwards."""
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from servers import redis, wait_for  # noqa: E402


class Load:
    """The program, and the newest line of its counters."""

    def __init__(self, program, url):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "FCACHE_URL": url})
        self.counters = {}
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.counters = {name: int(value) for name, _, value in
                             (word.partition("=") for word in line.split())}

    def goes_on(self, what, hits=500, purges=20):
        """Waits for so many more hits and clears."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the load ended: {self.process.returncode}")
        wait_for(lambda: self.counters, "counters")
        before = dict(self.counters)
        since = time.monotonic()
        wait_for(lambda: all(
            self.counters[name] >= before[name] + more
            for name, more in (("hits", hits), ("purges", purges))),
            f"hits and clears {what}: {self.counters}", 60)
        print(f"{what}: {time.monotonic() - since:.1f} s, {self.counters}",
              flush=True)

    def fails(self, name):
        """Waits until the loss is noticed."""
        before = self.counters[name]
        wait_for(lambda: self.counters[name] > before, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        self.reader.join()


def is_replica(port):
    """Not while it becomes one: then it drops who asks."""
    try:
        return redis.ask(port, "role").startswith("slave")
    except subprocess.CalledProcessError:
        return False


def failover(program, folder, stack):
    """The master dies with clears that its replica never got; sentinels make that
    one the master; the old one comes back empty, as a replica."""
    watched = redis.Watched(folder, stack)
    with Load(program, watched.url) as load:
        load.goes_on("before")
        redis.cut_off_replicas(watched.port)
        load.goes_on("without the replica")
        watched.master.kill()
        wait_for(lambda: watched.master_port() == watched.replica_port,
                 "another master")
        load.goes_on("after the failover")
        watched.master.start()
        wait_for(lambda: is_replica(watched.port),
                 "the old master as a replica", 60)
        load.goes_on("with the old master back")
    return load


def lost_master(program, folder, stack):
    """A cluster loses a master that has no replica: its slots are gone, the
    others are not; it comes back empty."""
    cluster = redis.Cluster(folder, stack)
    home = cluster.master_of("{fcache}clock")
    lost = next(port for port in cluster.ports if port != home)
    with Load(program, cluster.url) as load:
        load.goes_on("before")
        cluster.servers[lost].kill()
        load.fails("faults")
        load.goes_on("without a master")
        cluster.servers[lost].start()
        wait_for(cluster.is_whole, "the cluster")
        load.goes_on("with it back")
    return load


def lost_clock(program, folder, stack):
    """A cluster loses the master that holds the invalidation clock, with clears
    that the replica which takes over never got."""
    cluster = redis.Cluster(folder, stack, replicas=1)
    home = cluster.master_of("{fcache}clock")
    with Load(program, cluster.url) as load:
        load.goes_on("before")
        redis.cut_off_replicas(home)
        load.goes_on("without the replica")
        cluster.servers[home].kill()
        load.fails("faults")
        load.goes_on("after the failover")
    return load


CASES = {"sentinel": failover, "cluster": lost_master,
         "cluster-clock": lost_clock}


def main(case, program):
    with tempfile.TemporaryDirectory(prefix="fcache-servers-") as folder, \
            contextlib.ExitStack() as stack:
        load = CASES[case](program, Path(folder), stack)
    print(f"{case}: {load.counters}")
    if load.counters["wrong"]:
        sys.exit("something was served that had been cleared")
    if load.process.returncode:
        sys.exit(f"the load ended with {load.process.returncode}")
    if load.counters["slowest_us"] > 2_000_000:
        sys.exit("a get went far past its deadline")


if __name__ == "__main__":
    main(*sys.argv[1:])
