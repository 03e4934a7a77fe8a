# SPDX-License-Identifier: Apache-2.0
"""fcachectl with standard output and error apart, also on a terminal."""
import contextlib
import os
import pty
import subprocess

from .httpd import BUILD, SANITIZER


def settings():
    env = {"PATH": os.environ["PATH"], "LANG": "C", "TERM": "xterm"}
    if SANITIZER == "asan":
        env["ASAN_OPTIONS"] = "detect_leaks=0"
    return env


def start(*words, env=None, **more):
    return subprocess.Popen(
        [str(BUILD / "fcachectl"), *words], env={**settings(), **(env or {})},
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
           "stderr": subprocess.PIPE, **more})


def run(*words, stdin="", code=0, env=None):
    """Standard output and error as text; the status is looked at."""
    process = start(*words, stdin=subprocess.PIPE, env=env)
    out, err = process.communicate(stdin.encode(), timeout=60)
    assert process.returncode == code, (words, process.returncode, out, err)
    return out.decode(), err.decode()


@contextlib.contextmanager
def terminal():
    """A terminal's two ends: what shows what is written to it, and its file."""
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        with contextlib.suppress(OSError):
            os.close(theirs)


def drain(ours):
    """All that was written, once nobody has the terminal open."""
    text = b""
    with contextlib.suppress(OSError):
        while True:
            piece = os.read(ours, 65536)
            if not piece:
                break
            text += piece
    return text.decode()
