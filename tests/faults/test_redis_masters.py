# SPDX-License-Identifier: Apache-2.0
"""A Redis master dies under the load of httpd's clients: no request fails, no body
is wrong, what was purged does not come back (F30)."""
import contextlib
import time

import pytest

import faults
import table
from servers import PATIENT, redis, wait_for
from stand import Load, Stand

PAGE = "/on/page"
BACK_S = 60  # after there is another master; wanted: 2


class Sentinel:
    """A master and its replica, which gets nothing any more before it takes
    over."""

    def __init__(self, folder, stack):
        self.all = redis.Watched(folder, stack)
        self.url = self.all.open_url

    def cut_off(self):
        redis.cut_off_replicas(self.all.port)

    def lose(self):
        self.all.master.kill()
        wait_for(lambda: self.all.master_port() == self.all.replica_port,
                 "another master", redis.SLOW_S)


class Cluster:
    """The same with the master of a cluster that holds the clock of clears."""

    def __init__(self, folder, stack):
        self.all = redis.Cluster(folder, stack, replicas=1)
        self.url = self.all.open_url
        self.home = self.all.master_of("{fcache}clock")

    def cut_off(self):
        redis.cut_off_replicas(self.home)

    def lose(self):
        self.all.servers[self.home].kill()
        other = next(port for port in self.all.ports if port != self.home)
        wait_for(lambda: self.all.master_of("{fcache}clock", other)
                 != self.home, "another master", redis.SLOW_S)


@pytest.mark.parametrize("servers", (Sentinel, Cluster))
def test_a_master_dies(servers, tmp_path):
    with contextlib.ExitStack() as stack:
        store = servers(tmp_path, stack)
        stand = stack.enter_context(Stand(store.url))
        wait_for(stand.is_warm, "the hot paths are hits")
        load = Load(stand, readers=2, writers=0)
        stack.callback(load.end)
        with stand.httpd.connect() as connection:
            purge_while_replicas_are_behind(stand, store, connection)
            store.lose()
            back_s = await_hit(connection)
        tally = load.end()
        bad = tally.broken()
        table.tell("redis", f"{faults.LOST_MASTER}, {servers.__name__}", bad,
                   f"{table.tallied(tally, tally)} {'-':>6} {'-':>6} "
                   f"{back_s:5.2f}")
        assert not bad, "; ".join(bad)


def purge_while_replicas_are_behind(stand, store, connection):
    """The replica has the old page; the master has it purged."""
    def page(content):
        stand.httpd.file("page", content)
        connection.request(PAGE)
        wait_for(lambda: (answer := connection.request(PAGE)).cache == "HIT"
                 and answer.body == content, f"a hit of {content}")

    page(b"old")
    store.cut_off()
    code, text = stand.httpd.fcachectl("clear", "--all",
                                       url=f"{store.url}&{PATIENT}")
    assert code == 0, text
    page(b"new")


def await_hit(connection):
    """Seconds until the page is a hit again; it is the new one all the time."""
    start = time.monotonic()
    while time.monotonic() < start + BACK_S:
        answer = connection.request(PAGE)
        assert answer.body == b"new"
        if answer.cache == "HIT":
            return time.monotonic() - start
        time.sleep(0.01)
    raise TimeoutError(f"no hit {BACK_S} s after there was another master")
