# SPDX-License-Identifier: Apache-2.0
"""What `fcachectl warm` reads: lists of URLs and access logs. Nothing is asked
for here."""
import json
import os
import subprocess

import pytest

OK, _, USAGE, FAULT = range(4)
BASE = "http://api.example"
TIME = "[22/Nov/2026:10:00:00 +0000]"


def warm(*args, stdin="", code=OK):
    done = subprocess.run(
        [os.environ["FCACHECTL"], "warm", "--dry-run", *args],
        input=stdin if isinstance(stdin, bytes) else stdin.encode(),
        capture_output=True, timeout=20, check=False)
    assert done.returncode == code, done
    assert (done.stderr != b"") == (code != OK), done
    return done.stdout.decode() if code == OK else done.stderr.decode()


def urls(lines, *args):
    return warm("-", *args, stdin="\n".join(lines)).splitlines()


def log(request, status=200, user="-", rest=""):
    return f'192.0.2.1 - {user} {TIME} "{request}" {status} 12{rest}'


# ---- lists


def test_a_list_of_urls():
    assert urls(["http://a.example/1", "", "# a remark",
                 "  https://b.example:8443/2?x=1&y=%20  ", "http://c.example",
                 "http://d.example?q\r", "http://[::1]:8080/../x"]) == [
        "http://a.example/1", "https://b.example:8443/2?x=1&y=%20",
        "http://c.example/", "http://d.example/?q", "http://[::1]:8080/../x"]


def test_paths_are_of_the_base():
    assert urls(["/", "/items?page=2", "//evil.example/x",
                 "http://other.example/"], "--base", "HTTP://API.Example:80/") \
        == [BASE + "/", BASE + "/items?page=2", BASE + "//evil.example/x",
            "http://other.example/"]


def test_what_is_the_same_to_a_client_comes_once():
    assert urls([f"{BASE}/a", "HTTP://API.example:80/a#top", "/a", "/a?",
                 f"{BASE}/A"], "-b", BASE) == [
        f"{BASE}/a", f"{BASE}/a?", f"{BASE}/A"]


def test_several_files_are_one_list(tmp_path):
    for name, lines in (("one", "/a\n/b\n"), ("two", "/b\n/c")):
        (tmp_path / name).write_text(lines)
    assert warm("-b", BASE, str(tmp_path / "one"), "-", str(tmp_path / "two"),
                stdin="/d\n").split() == [
        BASE + path for path in ("/a", "/b", "/d", "/c")]


def test_json():
    assert json.loads(warm("-", "--json", stdin="http://a/\n")) == ["http://a/"]
    assert json.loads(warm("-", "--json")) == []


# ---- access logs


@pytest.mark.parametrize("line", [
    log("GET /items?x=1 HTTP/1.1"),
    log("GET /items?x=1 HTTP/1.1", 304),
    log("GET /items?x=1 HTTP/2.0", rest=' "https://ref.example/" "A \\"b\\""'),
    "api.example:443 " + log("GET /items?x=1 HTTP/1.0"),
    log("GET /items?x=1 HTTP/1.1", user='a] \\"GET /evil HTTP/1.1\\" 200 '),
])
def test_a_log_gives_its_gets(line):
    assert urls([line], "--base", BASE) == [BASE + "/items?x=1"]


@pytest.mark.parametrize("line", [
    log("POST /items HTTP/1.1"),
    log("HEAD /items HTTP/1.1"),
    log("GET /items HTTP/1.1", 404),
    log("GET /items HTTP/1.1", 500),
    log("GET /items HTTP/1.1", "-"),
    log("GET http://evil.example/ HTTP/1.1"),
    log("GET * HTTP/1.1"),
    log("GET /items"),
    log("GET /it ems HTTP/1.1"),
    log(r"GET /a\"b HTTP/1.1"),
    log(r"GET /a\x80b HTTP/1.1"),
    log("-", 408),
    log(r"\x16\x03\x01", 400),
    f'192.0.2.1 - - {TIME} "GET /cut',
    f'192.0.2.1 - - {TIME} "',
])
def test_a_log_has_lines_that_are_left_out(line):
    assert urls([line, log("GET /b HTTP/1.1")], "-b", BASE) == [BASE + "/b"]


# ---- what is wrong


@pytest.mark.parametrize("line, text", [
    ("/items", "a path needs --base"),
    (log("GET / HTTP/1.1"), "a path needs --base"),
    ("ftp://a.example/", "neither an http or https URL"),
    ("file:///etc/passwd", "neither an http or https URL"),
    ("items", "neither an http or https URL"),
    ('{"request": "GET / HTTP/1.1"}', "neither an http or https URL"),
    ("http:///x", "needs a host"),
    ("http://user:word@a.example/", "no user"),
    ("http://a.example/caf\u00e9", "printable ASCII"),
    ("http://a.example/a b", "printable ASCII"),
    ("http://a.example/\x1b[2J", "printable ASCII"),
    ("http://a.example/" + "x" * 8192, "more than 8192 bytes"),
    ("#" * 65538, "more than 65536 bytes"),
    ("http://a.example/\0x", "NUL"),
    ("\0", "NUL"),
])
def test_what_is_wrong_is_said_with_file_and_line(tmp_path, line, text):
    path = tmp_path / "urls"
    path.write_text(f"# one\nhttp://a.example/\n{line}\nnonsense\n")
    said = warm(str(path), code=USAGE)
    assert said.startswith(f"fcachectl: {path}:3: ") and text in said, said
    assert said.count("\n") == 1 and said.isascii()


def test_standard_input_has_a_name():
    assert "standard input:1:" in warm("-", stdin="x\n", code=USAGE)


def test_a_line_may_be_as_long_as_it_is_said():
    assert urls(["#" * 65535, "http://a/"]) == ["http://a/"]
    assert len(urls(["http://a/" + "x" * (8192 - 9)])) == 1


def test_there_are_not_more_urls_than_a_million():
    lines = "".join(f"/{n}\n" for n in range(1000000)).encode()
    assert warm("-", "-b", "http://a", stdin=lines).count("\n") == 1000000
    assert "standard input:1000002: more than 1000000 URLs" in warm(
        "-", "-b", "http://a", stdin=lines + b"/7\n/x\n", code=USAGE)


@pytest.mark.parametrize("args, code, text", [
    ([], USAGE, "usage: fcachectl warm FILE|-..."),
    (["no-such-file"], FAULT, "no-such-file: No such file"),
    (["."], FAULT, ".: Is a directory"),
    (["-", "--base", "a.example"], USAGE, "--base a.example: a URL begins"),
    (["-", "--base", "ftp://a.example"], USAGE, "a URL begins"),
    (["-", "--base", "http://a.example/x"], USAGE, "scheme and host alone"),
    (["-", "--base", "http://a.example/?"], USAGE, "scheme and host alone"),
    (["-", "--parallel", "0"], USAGE, "from 1 to 64"),
    (["-", "--parallel", "65"], USAGE, "from 1 to 64"),
    (["-", "--parallel", "4/s"], USAGE, "from 1 to 64"),
    (["-", "--rate", "0"], USAGE, "from 1 to 100000"),
    (["-", "--rate", "10/m"], USAGE, "from 1 to 100000"),
    (["-", "--rate", ""], USAGE, "from 1 to 100000"),
    (["-", "--rate", "99999999999999999999"], USAGE, "from 1 to 100000"),
    (["-", "--timeout", "0"], USAGE, "--timeout 0"),
    (["-", "--header", "x"], USAGE, "is no header"),
    (["-", "--header", "A: x\r\nB: y"], USAGE, "is no header"),
    (["-", "--ttl", "1"], USAGE, "'warm' takes no --ttl"),
])
def test_options_that_are_wrong(args, code, text):
    assert text in warm(*args, code=code)
