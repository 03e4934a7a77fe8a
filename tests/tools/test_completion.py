# SPDX-License-Identifier: Apache-2.0
"""Completion, by bash itself: what it offers, and what it makes of a line that is
being typed."""
import contextlib
import os
import pathlib
import pty
import re
import select
import subprocess
import time

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "tools/completion/fcachectl"
TOOL = pathlib.Path(os.environ["FCACHECTL"])
ASK = f"""
. {SCRIPT}
COMP_LINE=$1 COMP_POINT=${{#1}}
_fcachectl "$FCACHECTL"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def offers(line, cwd=None):
    done = subprocess.run(["bash", "--norc", "-c", ASK, "bash", line], cwd=cwd,
                          env=dict(os.environ, FCACHECTL=str(TOOL)),
                          capture_output=True, timeout=20, check=True)
    assert done.stderr == b"", done.stderr
    return done.stdout.decode().split()


def help_page(*words):
    return subprocess.run([TOOL, "help", *words], capture_output=True,
                          check=True).stdout.decode()


def options(*words):
    return re.findall(r"^  -\w, (--[a-z-]+)", help_page(*words), re.M)


COMMANDS = re.findall(r"^  ([a-z]+) ", help_page(), re.M)


@pytest.mark.parametrize("line, want", [
    ("fcachectl ", COMMANDS),
    ("fcachectl s", ["set", "stats", "secret"]),
    ("fcachectl nonsense ", COMMANDS),
    ("fcachectl --js", ["--json"]),
    ("fcachectl -j wat", ["watch"]),
    ("fcachectl -s memory:default cl", ["clear"]),
    ("fcachectl -s red", ["redis:", "rediss:"]),
    ("fcachectl --store mem", ["memory:", "memcached:"]),
    ("fcachectl -s nonsense", []),
    ("fcachectl ls --l", ["--long", "--limit"]),
    ("fcachectl ls --limit ", []),
    ("fcachectl ls -L ", []),
    ("fcachectl ls --limit l", []),
    ("fcachectl ls -l --lo", ["--long"]),
    ("fcachectl ls ", []),
    ("fcachectl get -H ", []),
    ("fcachectl get --me", ["--method"]),
    ("fcachectl get -m P", ["POST"]),
    ("fcachectl get http://a/ --he", ["--header", "--head", "--help"]),
    ("fcachectl get [*] -", ["--prefix", "--namespace", "--vhost", "--method",
                             "--header", "--rules", "--head", "--store",
                             "--json", "--help"]),
    ("fcachectl purge ", ["url=", "tag=", "namespace=", "key=", "prefix",
                          "all"]),
    ("fcachectl purge tag=x ta", ["tag="]),
    ("fcachectl purge tag=", []),
    ("fcachectl purge --prefix ", []),
    ("fcachectl purge -p t", []),
    ("fcachectl purge --soft t", ["tag="]),
    ("fcachectl purge -S t", ["tag="]),
    ("fcachectl watch --admin h", ["http://", "https://"]),
    ("fcachectl watch --admin http:", ["//"]),
    ("fcachectl help wa", ["warm", "watch"]),
    ("fcachectl warm li", ["list", "lines"]),
    ("fcachectl warm --base http://a --dry", ["--dry-run"]),
])
def test_what_is_offered(tmp_path, line, want):
    (tmp_path / "list").touch()
    (tmp_path / "lines").touch()
    assert sorted(offers(line, tmp_path)) == sorted(want)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_offered_its_options(command):
    page = ["help"] if command == "help" else [command]
    assert offers(f"fcachectl {command} -") == options(*page)


class Shell:
    """An interactive bash that completes for the tool."""

    def __init__(self, folder):
        self.ours, theirs = pty.openpty()
        env = {"PATH": f"{TOOL.parent}:{os.environ['PATH']}", "TERM": "dumb",
               "HOME": str(folder), "PS1": "ready> ", "INPUTRC": "/dev/null"}
        env.update((name, os.environ[name]) for name in ("ASAN_OPTIONS",)
                   if name in os.environ)
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=theirs,
            stdout=theirs, stderr=theirs, env=env, cwd=folder,
            start_new_session=True)
        os.close(theirs)
        self.text = ""
        self.type(f". {SCRIPT}; stty -echo; echo lo''aded\r", "loaded\r\n")

    def type(self, keys, until):
        """All that is shown from here on, up to that text."""
        self.text = ""
        os.write(self.ours, keys.encode())
        deadline = time.monotonic() + 20
        while until not in self.text:
            left = max(0, deadline - time.monotonic())
            assert select.select([self.ours], [], [], left)[0], self.text
            self.text += os.read(self.ours, 65536).decode()
        return self.text

    def words(self, keys):
        """The words of the line that those keys make."""
        text = self.type(keys + "\x01printf '<%s>' \x05 e''nd\r", "<end>")
        return re.findall(r"<([^>]*)>", text.rpartition("\n")[2])[1:-1]

    def close(self):
        with contextlib.suppress(OSError):
            os.write(self.ours, b"\x15exit\r")
        self.process.wait(20)
        os.close(self.ours)


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "a file").touch()
    (tmp_path / "folder").mkdir()
    opened = Shell(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("keys, want", [
    ("fcachectl wat\t--int\t5s", ["watch", "--interval", "5s"]),
    ("fcachectl -s memo\tdefault stat\t", ["-s", "memory:default", "stats"]),
    ("fcachectl -s tier\t?x purge ta\tx", ["-s", "tiered:?x", "purge",
                                           "tag=x"]),
    ("fcachectl top --adm\thttps\ta.example", ["top", "--admin",
                                               "https://a.example"]),
    ("fcachectl warm a\tfol\tx", ["warm", "a file", "folder/x"]),
])
def test_a_line_that_is_typed(shell, keys, want):
    assert shell.words(keys) == want
