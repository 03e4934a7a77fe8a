# SPDX-License-Identifier: Apache-2.0
"""Real servers for tests, each a context manager that yields the URL of a store
on it. A kind is a function `NAME(folder)` listed in its module's KINDS; `KINDS`
here is all of them. Nothing outlives its `with`."""
import contextlib
import importlib
import json
import os
import pkgutil
import random
import shutil
import socket
import subprocess
import time
from pathlib import Path

# Options of a remote store where it is not times that are tested: a machine that
# is busy with something else fails no test.
PATIENT = "connect=10s&read=10s&lookup=10s&store=10s"


def free_ports(count):
    """Ports nobody listens on, outside of those that the system gives to
    connections."""
    held = []
    while len(held) < count:
        try:
            held.append(socket.create_server(
                ("127.0.0.1", random.randrange(10240, 32768))))
        except OSError:
            continue
    ports = [s.getsockname()[1] for s in held]
    for each in held:
        each.close()
    return ports


def wait_for(condition, what, seconds=20):
    """Polls until the condition is true, which is what comes back; a failure says
    what was awaited."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return found


def accepts(address):
    """Does something accept connections at ("host", port) or "/path"?"""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


class Process:
    """A server in the foreground, its output in a file."""

    def __init__(self, command, folder, address=None, env=None):
        if shutil.which(str(command[0])) is None:
            raise FileNotFoundError(f"no {command[0]}: ./run setup test")
        self.command, self.folder = [str(word) for word in command], folder
        self.address, self.env = address, env
        self.log = Path(folder) / (Path(self.command[0]).name + ".out")
        self.process = None
        self.start()

    def start(self):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.env, stdout=out,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if self.address is not None:
            wait_for(self.is_up, f"{self.command[0]} at {self.address}")

    def is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.command} ended:\n"
                               f"{self.log.read_text(errors='replace')}")
        return accepts(self.address)

    def kill(self):
        """As a crash: kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def _kinds():
    kinds = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name != "run":
            kinds.update(
                importlib.import_module(f"{__name__}.{module.name}").KINDS)
    return kinds


def start(kind, folder):
    """The context manager of that kind: yields the store's URL. FCACHE_URLS, JSON,
    may name stores by kind that are on other machines already."""
    elsewhere = json.loads(os.environ.get("FCACHE_URLS", "{}"))
    if kind in elsewhere:
        return contextlib.nullcontext(elsewhere[kind])
    kinds = _kinds()
    if kind not in kinds:
        raise ValueError(f"no kind of server {kind!r}: {sorted(kinds)}")
    return contextlib.contextmanager(kinds[kind])(Path(folder))
