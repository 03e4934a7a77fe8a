# SPDX-License-Identifier: Apache-2.0
"""fcachectl watch and top on a store in memory."""
import json
import os
import re
import subprocess

import pytest

from test_fcachectl import FAULT, USAGE, Ctl, region

STORE = {"hits_per_s": 0, "misses_per_s": 0, "hit_ratio": None,
         "puts_per_s": 0, "purges_per_s": 0, "faults_per_s": 0, "error": None}


@pytest.fixture
def ctl():
    with region(f"ctl-follow-{os.getpid()}") as (name, _):
        yield Ctl(f"memory:{name}")


def check_time(row):
    assert row.pop("time_s") > 1700000000
    assert row.pop("interval_s") >= 1


def test_watch_has_a_line_for_each_turn(ctl):
    lines = ctl.out("watch", "--json", "--count", "2").splitlines()
    assert len(lines) == 2
    for line in lines:
        row = json.loads(line)
        check_time(row)
        assert row.pop("bytes") > 1000
        assert row == {**STORE, "store": ctl.store, "entries": 8}


def test_watch_for_people(ctl):
    head, *rows = ctl.out("watch", "-c", "2").decode("ascii").splitlines()
    assert head.split() == ["TIME", "STORE", "HITS/S", "MISSES/S", "HIT_RATIO",
                            "PUTS/S", "PURGES/S", "FAULTS/S", "ENTRIES",
                            "BYTES", "ERROR"]
    assert len(rows) == 2
    for row in rows:
        assert re.fullmatch(r"\d\d:\d\d:\d\d", row[:8])
        assert row.split()[1:9] == [ctl.store, "0", "0", "-", "0", "0", "0",
                                    "8"]


def test_top_tells_what_namespaces_hold(ctl):
    told = ctl.json("top", "--once")
    check_time(told)
    assert [row["entries"] for row in told.pop("stores")] == [8]
    rows = told.pop("namespaces")
    assert told == {}
    assert [(row["prefix"], row["namespace"], row["entries"], row["stale"])
            for row in rows] == [("fcache", "default", 7, 1),
                                 ("fcache", "other", 1, 0)]
    assert rows[0]["bytes"] > rows[1]["bytes"] > 0
    ctl.run("clear", "--namespace", "other", "--soft")
    ctl.run("clear", "--namespace", "default")
    row, = ctl.json("top", "--once")["namespaces"]
    assert (row["namespace"], row["entries"], row["stale"]) == ("other", 1, 1)


def test_top_for_people(ctl):
    time, head, row, blank, nshead, *rows = ctl.out(
        "top", "--once").decode("ascii").splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d", time)
    assert head.split()[:2] == ["STORE", "HITS/S"]
    assert row.split()[0] == ctl.store and blank == ""
    assert nshead.split() == ["PREFIX", "NAMESPACE", "ENTRIES", "STALE",
                              "BYTES"]
    assert [line.split()[1] for line in rows] == ["default", "other"]


def test_namespaces_are_not_counted_without_end():
    with region(f"ctl-follow-{os.getpid()}-many", "many") as (name, _):
        rows = Ctl(f"memory:{name}").json("top", "--once")["namespaces"]
    assert len(rows) == 1001
    assert sum(row["entries"] for row in rows) == 1108
    other, = (row for row in rows if row["namespace"] == "(other)")
    assert other["entries"] == 1108 - sum(
        row["entries"] for row in rows if row is not other) > 90


def test_what_cannot_be_decoded_is_counted():
    with region(f"ctl-follow-{os.getpid()}-bad", "garbage") as (name, _):
        rows = Ctl(f"memory:{name}").json("top", "--once")["namespaces"]
    assert {"prefix": "fcache", "namespace": "garbage", "entries": 1,
            "stale": 0, "bytes": 4} in rows


@pytest.mark.parametrize("command", ["watch", "top"])
def test_it_ends_when_nobody_uses_the_store_any_more(command):
    with region(f"ctl-follow-{os.getpid()}-gone") as (name, _):
        process = subprocess.Popen(
            [os.environ["FCACHECTL"], "-s", f"memory:{name}", command,
             "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout.readline().startswith(b"{")
    _, err = process.communicate(timeout=20)
    assert process.returncode == FAULT
    assert err == b"fcachectl: memory:%s: no server uses it any more\n" % \
        name.encode()


@pytest.mark.parametrize("args, text", [
    (["watch", "--interval", "0"], b"--interval 0"),
    (["watch", "--interval", "500ms"], b"--interval 500ms"),
    (["watch", "--count", "0"], b"--count 0"),
    (["watch", "--once"], b"'watch' takes no --once"),
    (["top", "--count", "1"], b"'top' takes no --count"),
    (["top", "x"], b"usage: fcachectl top"),
    (["top", "--admin", "http://a/"], b"one of --admin and --store"),
])
def test_options_that_are_wrong(ctl, args, text):
    assert text in ctl.run(*args, code=USAGE).stderr


def test_a_remote_store_counts_nothing_itself():
    ctl = Ctl("redis://127.0.0.1:1")
    assert b"--admin" in ctl.run("watch", code=USAGE).stderr
