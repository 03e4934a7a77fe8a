# SPDX-License-Identifier: Apache-2.0
"""fcachectl against a region that another program holds."""
import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

OK, NOT_FOUND, USAGE, FAULT = range(4)
HOST = "http://api.example"


class Ctl:
    """fcachectl on one store."""

    def __init__(self, store):
        self.store = store

    def run(self, *args, code=OK, stdin=b""):
        done = subprocess.run([os.environ["FCACHECTL"], "-s", self.store, *args],
                              input=stdin, capture_output=True, timeout=20,
                              check=False)
        assert done.returncode == code, (args, done)
        told = done.stdout != b"" and "explain" in args
        assert (done.stderr != b"") == (code != OK and not told), (args, done)
        return done

    def out(self, *args, **more):
        return self.run(*args, **more).stdout

    def json(self, *args, **more):
        return json.loads(self.run(*args, "--json", **more).stdout)

    def keys(self, *args):
        return {row["key"] for row in self.json("ls", *args)}


@contextlib.contextmanager
def region(name, *more):
    """A region's name and its holder's process id."""
    process = subprocess.Popen([os.environ["REGION_HOLDER"], name, *more],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield name, process.pid
    finally:
        process.stdin.close()
        assert process.wait(timeout=20) == 0
        process.stdout.close()


@pytest.fixture
def holder():
    with region(f"ctl-{os.getpid()}") as held:
        yield held


@pytest.fixture
def ctl(holder):
    return Ctl(f"memory:{holder[0]}")


# ---- the command line ---------------------------------------------------------

USAGE_ERRORS = [
    ([], b"no command given"),
    (["nonsense"], b"no command 'nonsense'"),
    (["get"], b"usage: fcachectl get KEY"),
    (["get", "a", "b"], b"usage: fcachectl get KEY"),
    (["get", "a", "--soft"], b"'get' takes no --soft"),
    (["get", "a", "--nonsense"], b"unknown option '--nonsense'"),
    (["get", "a", "-x"], b"unknown option '-x'"),
    (["ls", "--limit"], b"option '--limit' needs a value"),
    (["ls", "--limit", "-1"], b"--limit -1"),
    (["ls", "--limit", "many"], b"--limit many"),
    (["set", "k", "v", "--ttl", "0"], b"--ttl 0"),
    (["set", "k", "v", "--ttl", "500ms"], b"--ttl 500ms"),
    (["set", f"{HOST}/", "v"], b"text keys"),
    (["set", "k", "v", "-n", "a b"], b"k: "),
    (["clear"], b"say what to clear"),
    (["clear", "--all", "--tag", "t"], b"clear one of"),
    (["clear", "--all", "--prefix", "p"], b"clear one of"),
    (["clear", "--namespace", "n", "--tag", "t"], b"clear one of"),
    (["clear", "--namespace", "a:b"], b"at most 64"),
    (["purge"], b"usage: fcachectl purge KIND=VALUE"),
    (["purge", "colour=red"], b"'colour=red': purge url="),
    (["purge", "tag"], b"'tag' needs a value"),
    (["purge", "all=x"], b"'all=x' takes no value"),
    (["purge", "tag=products", "tag=a b"], b"a tag is"),
    (["purge", "url=/products"], b"a URL begins with"),
    (["purge", "key=products"], b"a key is a stored name"),
    (["purge", "namespace=a:b"], b"a namespace is"),
    (["purge", "prefix", "--prefix", "a:b"], b"a prefix is"),
    (["explain", "greeting"], b"http or https URL"),
    (["explain", "http:///path"], b"needs a host"),
    (["explain", "http://:80/"], b"needs a host"),
    (["explain", "http://user@host/"], b"no user"),
    (["explain", f"{HOST}/a b"], b"printable ASCII"),
    (["explain", f"{HOST}/", "-H", "no colon"], b"is no header"),
    (["explain", f"{HOST}/", "-H", "A: x\ny"], b"is no header"),
    (["explain", f"{HOST}/", "--method", "G T"], b"is no method"),
    (["explain", f"{HOST}/", "--rules", "nonsense"], b"nonsense"),
]


@pytest.mark.parametrize("args, text", USAGE_ERRORS)
def test_usage_errors_say_what_is_wrong(ctl, args, text):
    assert text in ctl.run(*args, code=USAGE).stderr


def test_help_lists_every_command_and_its_options(ctl):
    text = ctl.out("help")
    assert text == ctl.out("--help")
    for command in re.findall(rb"^  (\w+) ", text, re.M):
        page = ctl.out("help", command)
        assert page.startswith(b"usage: fcachectl " + command)
        assert command == b"help" or page == ctl.out(command, "-h")
    assert b"--soft" in ctl.out("help", "clear")


# ---- without a store, and before there is one ---------------------------------

def test_a_secret_is_new_each_time_and_needs_no_store():
    ctl = Ctl("memory:no-such-region")
    lines = {ctl.out("secret") for _ in range(5)}
    assert len(lines) == 5
    lines.add(ctl.json("secret")["secret"].encode() + b"\n")
    assert all(len(base64.urlsafe_b64decode(line.strip() + b"=")) == 32
               for line in lines)


@pytest.mark.parametrize("before, after", [
    (0o644, 0o640), (0o666, 0o640), (0o640, 0o640), (0o600, 0o600)])
def test_the_file_of_a_secret_is_made_private(tmp_path, before, after):
    path = tmp_path / "secret"
    path.touch()
    path.chmod(before)
    with path.open("wb") as file:
        subprocess.run([os.environ["FCACHECTL"], "secret"], stdout=file,
                       check=True, timeout=20)
    assert len(path.read_bytes()) == 44
    assert path.stat().st_mode & 0o7777 == after


def test_a_store_that_needs_nothing_is_ready(ctl):
    assert ctl.json("init") == {"store": "ready"}


@pytest.mark.parametrize("store, code, text", [
    ("memory:no-such-region", FAULT, b"no-such-region"),
    ("nonsense:x", USAGE, b"memory"),
    ("memory:?nonsense=1", USAGE, b"nonsense"),
])
def test_a_store_that_cannot_be_opened(store, code, text):
    assert text in Ctl(store).run("stats", code=code).stderr


def test_pid_chooses_among_servers_of_one_name(holder):
    name, pid = holder
    with region(name):
        assert b"pid=" in Ctl(f"memory:{name}").run("ls", code=USAGE).stderr
        ctl = Ctl(f"memory:{name}?pid={pid}")
        assert ctl.out("get", "greeting") == b"hello"
    Ctl(f"memory:{name}?pid=1").run("get", "greeting", code=FAULT)


def test_nobody_reads_as_root(holder):
    """What lies in the store was written by the server's children. Who is not
    root stays who he is."""
    own = os.geteuid()
    user, group = (65534, 65534) if own == 0 else (own, os.getegid())
    command = [os.environ["FCACHECTL"], "-s", f"memory:{holder[0]}", "set", "k"]
    with subprocess.Popen([*command, "-"], stdin=subprocess.PIPE) as process:
        proc = pathlib.Path(f"/proc/{process.pid}")
        deadline = time.monotonic() + 10
        while "memfd:fcache" not in (proc / "maps").read_text("ascii"):
            assert time.monotonic() < deadline
        status = (proc / "status").read_text("utf-8")
    assert process.returncode == OK
    groups = "" if own == 0 else "[0-9 ]*"
    for line in (rf"Uid:(\s{user}){{4}}", rf"Gid:(\s{group}){{4}}",
                 rf"Groups:\s*{groups}"):
        assert re.search(f"^{line}$", status, re.M), status


def test_bytes_that_are_no_entry():
    with region(f"ctl-{os.getpid()}-garbage", "garbage") as (name, _):
        ctl = Ctl(f"memory:{name}")
        row = ctl.json("ls", "-n", "garbage")[0]
        assert (row["kind"], row["size"]) == ("unknown", 0)
        assert row["age_s"] < 10 and 290 <= row["ttl_s"] <= 300
        for key in (row["name"], "garbage"):
            error = ctl.run("get", "-n", "garbage", key, code=FAULT).stderr
            assert b"\x1b" not in error
        assert b"\x1b" not in ctl.out("ls")
        ctl.run("del", "-n", "garbage", "garbage")
        assert ctl.json("ls", "-n", "garbage") == []


def test_the_store_is_the_default_one_unless_said():
    done = subprocess.run([os.environ["FCACHECTL"], "stats"],
                          capture_output=True, check=False, timeout=20)
    assert done.returncode == OK or b" memory:default: " in done.stderr


@pytest.mark.parametrize("url", [
    "redis://u:hunter2@h:x", "redis://u:hun?ter2@h", "redis://u:hunter2",
    "//u:hunter2@h", "redis://127.0.0.1:1?db=x&password=hunter2"])
def test_a_password_is_not_told(url):
    done = subprocess.run([os.environ["FCACHECTL"], "-s", url, "stats"],
                          capture_output=True, check=False, timeout=20)
    assert done.returncode == USAGE
    assert b"--store: " in done.stderr
    assert b"hun" not in done.stderr and b"ter2" not in done.stderr


def test_output_that_cannot_be_written_is_a_fault(ctl):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.environ["FCACHECTL"], "-s", ctl.store, "ls"],
                              stdout=full, stderr=subprocess.PIPE, check=False,
                              timeout=20)
    assert done.returncode == FAULT and b"standard output" in done.stderr


# ---- keys ---------------------------------------------------------------------

def test_get_by_url_prints_head_and_body(ctl):
    assert ctl.out("get", f"{HOST}/products") == (
        b"HTTP 200\r\nContent-Type: text/plain\r\n\r\n[1,2,3]\n")


@pytest.mark.parametrize("url", [
    "HTTP://API.Example:80/products", f"{HOST}:/products",
    f"{HOST}/products#top",
])
def test_urls_that_a_client_sends_alike(ctl, url):
    assert ctl.out("get", url).endswith(b"[1,2,3]\n")


@pytest.mark.parametrize("args", [
    [f"{HOST}/products?"], [f"{HOST}/products?x=1"], [f"{HOST}:8080/products"],
    ["https://api.example/products"], [f"{HOST}/Products"],
    [f"{HOST}/products", "--vhost", "other.example"],
    [f"{HOST}/products", "--method", "POST"],
    [f"{HOST}/products", "--namespace", "other"],
    [f"{HOST}/products", "--prefix", "other"],
    [f"{HOST}/products", "-H", "X-Forwarded-Host: evil.example"],
])
def test_requests_with_another_key(ctl, args):
    assert b"not found" in ctl.run("get", *args, code=NOT_FOUND).stderr


def test_head_shares_the_key_of_get(ctl):
    ctl.run("get", f"{HOST}/products", "--method", "HEAD")


def test_rules_change_the_key(ctl):
    url = f"{HOST}/products?utm_source=x"
    ctl.run("get", url, code=NOT_FOUND)
    ctl.run("get", url, "--rules", "query:drop=utm_*")
    row = ctl.json("explain", f"{HOST}/?b=1&a=2", "--rules",
                   "query:sort header:X-Team", "-H", "X-Team: blue",
                   code=NOT_FOUND)
    values = [element["value"] for element in row["elements"]]
    assert "a=2&b=1" in values and "blue" in values


def test_a_stored_name_is_a_key(ctl):
    for row in ctl.json("ls"):
        got = ctl.json("get", row["name"], "--head")
        assert (got["name"], got["key"]) == (row["name"], row["key"])
        ctl.run("del", row["name"])
    assert ctl.json("ls") == []


def test_an_unknown_name_is_not_found(ctl):
    name = "fcache:default:" + "A" * 43
    ctl.run("get", name, code=NOT_FOUND)
    ctl.run("del", name, code=NOT_FOUND)


# ---- get, set, del ------------------------------------------------------------

def test_get_json_has_all_of_a_response(ctl):
    got = ctl.json("get", f"{HOST}/products")
    assert 290 <= got.pop("ttl_s") <= 300 and got.pop("age_s") < 10
    assert re.fullmatch(r"fcache:default:[\w-]{43}", got.pop("name"))
    assert got == {
        "state": "fresh", "kind": "response", "status": 200, "size": 8,
        "namespace": "default", "etag": '"p1"', "tags": ["products"],
        "coder": "http", "key": "GET http://api.example/products "
        "vhost=api.example", "body": "[1,2,3]\n",
        "fields": [{"name": "Content-Type", "value": "text/plain"}]}


def test_get_head_has_no_body(ctl):
    text = ctl.out("get", "-I", f"{HOST}/products")
    assert b"status     200\n" in text and b"[1,2,3]" not in text
    assert "body" not in ctl.json("get", "-I", f"{HOST}/products")


def test_values_are_raw_bytes(ctl):
    assert ctl.out("get", "greeting") == b"hello"
    assert ctl.out("get", "greeting", "-n", "other") == b"\0\xff\x1b[2J"
    assert ctl.json("get", "greeting", "-n", "other")["body_base64url"] == \
        "AP8bWzJK"


def test_set_is_seen_by_the_next_run(ctl):
    assert ctl.json("set", "k", "v", "--ttl", "5m")["ttl_s"] == 300
    assert ctl.out("get", "k") == b"v"
    assert 290 <= ctl.json("get", "k")["ttl_s"] <= 300
    ctl.run("set", "k", "-", stdin=b"\0from\nstdin")
    assert ctl.out("get", "k") == b"\0from\nstdin"
    ctl.run("set", "k", "--", "--value")
    assert ctl.out("get", "k") == b"--value"
    ctl.run("del", "k")
    ctl.run("get", "k", code=NOT_FOUND)
    ctl.run("del", "k", code=NOT_FOUND)


def test_a_value_too_large_is_refused(ctl):
    assert b"9437184" in ctl.run("set", "k", "-", code=FAULT,
                                 stdin=b"x" * (9 << 20)).stderr
    ctl.run("get", "k", code=NOT_FOUND)


def test_set_keeps_tags(ctl):
    ctl.run("set", "k", "v", "--tag", "red", "-T", "blue")
    assert ctl.json("get", "k")["tags"] == ["red", "blue"]


def test_json_is_clean_ascii(ctl):
    ctl.run("set", "k", "v", "--tag", b"\xff", "--tag", "\u009b2J")
    assert ctl.out("get", "k", "--json").isascii()
    assert ctl.json("get", "k")["tags"] == ["\\xFF", "\u009b2J"]


# ---- ls -----------------------------------------------------------------------

def test_ls_has_a_row_for_each_entry(ctl):
    rows = ctl.json("ls")
    kinds = sorted(row["kind"] for row in rows)
    assert kinds == ["response"] * 5 + ["value"] * 2 + ["vary"]
    old = [row for row in rows if "/old" in row["key"]][0]
    assert old["state"] == "stale" and 100 <= old["age_s"] < 110
    assert -50 <= old["ttl_s"] <= -41
    assert [row["status"] for row in rows if "/gone" in row["key"]] == [410]
    order = [(row["key"], row["namespace"]) for row in rows]
    assert order == sorted(order)


def test_ls_filters(ctl):
    assert ctl.keys("--namespace", "other") == {"key=greeting"}
    assert ctl.keys("--prefix", "nobody") == set()
    assert ctl.keys("--namespace", "nobody") == set()
    assert ctl.out("ls", "-n", "nobody") == b""


def test_ls_limit_says_that_there_is_more(ctl):
    done = subprocess.run(
        [os.environ["FCACHECTL"], "-s", ctl.store, "ls", "-L", "2"],
        capture_output=True, check=True, timeout=20)
    assert done.stdout.count(b"\n") == 3
    assert b"--limit" in done.stderr
    assert len(ctl.json("ls", "--limit", "0")) == 8


def test_ls_table_is_aligned_and_clean(ctl):
    ctl.run("set", "tagged", "v", "--tag", "\x1b[2J")
    text = ctl.out("ls", "--long")
    head, *rows = text.decode("ascii").splitlines()
    assert head.split() == ["AGE_S", "TTL_S", "STATE", "KIND", "STATUS",
                            "SIZE", "NAMESPACE", "NAME", "ETAG", "TAGS",
                            "CODER", "KEY"]
    assert len(rows) == 9
    assert all(row[head.index("NAME "):].startswith("fcache:") for row in rows)
    assert "\\x1B[2J" in text.decode("ascii") and "\x1b" not in text.decode()


# ---- clear --------------------------------------------------------------------

@pytest.mark.parametrize("args, left", [
    (["--all"], 0), (["--prefix", "fcache"], 0), (["--prefix", "other"], 8),
    (["--namespace", "other"], 7), (["--namespace", "default"], 1),
    (["--prefix", "other", "--namespace", "default"], 8),
    (["--tag", "products"], 7), (["--tag", "nothing"], 8),
    (["--tag", "products", "--tag", "archive"], 6),
])
def test_clear(ctl, args, left):
    ctl.run("clear", *args)
    assert len(ctl.json("ls")) == left


def test_soft_clear_makes_stale(ctl):
    assert ctl.json("clear", "--tag", "products", "--soft") == {
        "cleared": "tag", "soft": True}
    got = ctl.json("get", f"{HOST}/products")
    assert (got["state"], got["ttl_s"]) == ("stale", 0)
    told = ctl.json("explain", f"{HOST}/products")
    assert told["reason"] == "soft-purged"


# ---- purge --------------------------------------------------------------------

@pytest.mark.parametrize("args, left", [
    (["all"], 0), (["prefix"], 0), (["prefix", "--prefix", "other"], 8),
    (["namespace=other"], 7), (["namespace=default"], 1),
    (["namespace=default", "--prefix", "other"], 8),
    (["tag=products"], 7), (["tag=nothing"], 8),
    (["tag=products", "tag=archive"], 6),
    (["tag=products", "namespace=other"], 6),
])
def test_purge(ctl, args, left):
    ctl.run("purge", *args)
    assert len(ctl.json("ls")) == left


def test_nothing_is_purged_when_a_word_is_wrong(ctl):
    ctl.run("purge", "tag=products", "tag=a b", code=USAGE)
    assert len(ctl.json("ls")) == 8


def test_purge_by_name(ctl):
    name = next(row["name"] for row in ctl.json("ls", "--long")
                if "/products" in row["key"])
    assert ctl.json("purge", "key=" + name) == [
        {"purged": "key", "value": name, "soft": False}]
    assert len(ctl.json("ls")) == 7
    ctl.run("purge", "key=" + name, code=NOT_FOUND)
    ctl.run("purge", "key=" + name, "--soft", code=USAGE)


def test_soft_purge_makes_stale(ctl):
    ctl.run("purge", "--soft", "tag=products")
    assert ctl.json("get", f"{HOST}/products")["state"] == "stale"


# ---- Vary ---------------------------------------------------------------------

def test_headers_choose_the_variant(ctl):
    url = f"{HOST}/hello"
    assert ctl.out("get", url, "-H", "Accept-Language: de").endswith(
        b"Guten Tag\n")
    assert ctl.out("get", url, "-H", "Accept-Language: en").endswith(
        b"Good day\n")
    assert b"no variant" in ctl.run("get", url, code=NOT_FOUND).stderr


def test_del_by_url_takes_all_variants(ctl):
    url = f"{HOST}/hello"
    ctl.run("del", url)
    for language in ("de", "en"):
        ctl.run("get", url, "-H", f"Accept-Language: {language}",
                code=NOT_FOUND)


# ---- explain, stats, check ----------------------------------------------------

@pytest.mark.parametrize("args, code, reason, plan", [
    (["/products"], OK, "fresh", "serve the entry"),
    (["/old"], OK, "expired", "ask the origin whether the entry is still good"),
    (["/new"], NOT_FOUND, "absent", "ask the origin"),
    (["/hello"], NOT_FOUND, "vary-miss", "ask the origin"),
    (["/products", "-H", "Cache-Control: no-store"], OK, "request-no-store",
     "pass by the cache"),
    (["/new", "-H", "Cache-Control: only-if-cached"], NOT_FOUND,
     "only-if-cached", "answer 504"),
])
def test_explain_says_what_would_happen(ctl, args, code, reason, plan):
    told = ctl.json("explain", HOST + args[0], *args[1:], code=code)
    assert (told["reason"], told["plan"]) == (reason, plan)
    assert told["found"] == (code == OK)


def test_explain_shows_key_and_variant(ctl):
    told = ctl.json("explain", f"{HOST}/hello", "-H", "Accept-Language: de")
    assert told["vary"] == ["accept-language"]
    assert told["variant"] != told["name"]
    assert {"label": "path", "value": "/hello"} in told["elements"]
    assert "variant" not in ctl.json("explain", f"{HOST}/products")
    text = ctl.out("explain", f"{HOST}/hello", "-H", "Accept-Language: de")
    assert b"vary " in text and b"path=/hello\n" in text


def test_stats_count(ctl):
    before = ctl.json("stats")
    ctl.run("get", "greeting")
    ctl.run("get", "nothing", code=NOT_FOUND)
    after = ctl.json("stats")
    assert after["hits"] > before["hits"]
    assert after["misses"] > before["misses"]
    assert 0 < after["hit_ratio"] < 1
    assert after["entries"] == 8
    assert re.search(rb"^entries +8  entries held$", ctl.out("stats"), re.M)


def test_check_finds_the_store_sound(ctl):
    assert ctl.json("check") == {"store": "sound"}
    assert ctl.out("check") == b"store  sound\n"
