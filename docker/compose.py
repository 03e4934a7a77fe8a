# SPDX-License-Identifier: Apache-2.0
"""The fleet of compose.yaml, as docker-compose and docker see it."""
import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from clients import ask

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "fleet"
PROJECT = "fcache"
MINE = ("--filter", f"label=com.docker.compose.project={PROJECT}")

AWS = {name: os.environ.get(name, "local")
       for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
# People with an account may name another service; its region is in AWS_REGION.
DYNAMODB = os.environ.get("DYNAMODB_ENDPOINT", "http://dynamodb:8000")
SECRET = "secret-file=/etc/fcache/conf.d/secret"
# For tests that are not about time, nor about secrets.
PATIENT = "integrity=off&connect=10s&read=10s&lookup=10s&store=10s"

# profile: the URL of its store
STORES = {
    "redis": f"redis://redis:6379?{SECRET}",
    "cluster": "redis://172.30.77.11,172.30.77.12,172.30.77.13?cluster=on&"
               + SECRET,
    "sentinel": ("redis://sentinel1:26379,sentinel2:26379,sentinel3:26379"
                 f"?sentinel=fcache&{SECRET}"),
    "memcached": f"memcached://memcached1,memcached2?{SECRET}",
    "dynamodb": ("dynamodb://fcache?plaintext=on&region="
                 f"{os.environ.get('AWS_REGION', 'us-east-1')}"
                 f"&endpoint={DYNAMODB}&{SECRET}"),
}


class Failed(Exception):
    """Something did not hold; its text says what."""


STEPS = []  # name, seconds


def say(text):
    sys.stdout.write(f"{text}\n")  # at once, as images are built side by side
    sys.stdout.flush()


@contextlib.contextmanager
def step(name):
    start = time.monotonic()
    say(f"== {name}")
    try:
        yield
    finally:
        STEPS.append((name, time.monotonic() - start))
        say(f"   {STEPS[-1][1]:.1f} s: {name}")


def wait_until(condition, what, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def serves(port):
    return ask(port, "/fcache-health")[0] == 200


def patient(profile):
    """That store for tests, which have no secret."""
    return STORES[profile].replace(SECRET, PATIENT)


def free_ports(count):
    held = []
    while len(held) < count:
        with contextlib.suppress(OSError):
            held.append(socket.create_server(
                ("127.0.0.1", random.randrange(20000, 32000))))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def run(command, check, quiet, env):
    done = subprocess.run(command, env=env, check=False, text=True,
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE if quiet else None,
                          stderr=subprocess.STDOUT if quiet else None)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(command)}: status {done.returncode}\n"
                     f"{done.stdout or ''}")
    return done


class Fleet:
    def __init__(self):
        self.compose_command = (
            ["docker-compose"] if shutil.which("docker-compose")
            else ["docker", "compose"])
        self.ports = free_ports(2)
        self.env = {**os.environ, "DOCKER_BUILDKIT": "0",
                    "COMPOSE_DOCKER_CLI_BUILD": "0",
                    "PORT1": str(self.ports[0]), "PORT2": str(self.ports[1]),
                    "CONF_D": str(BUILD / "conf.d"), **AWS}

    def compose(self, *words, profiles=(), check=True, quiet=True, env=None):
        command = [*self.compose_command, "-p", PROJECT, "-f",
                   str(HERE / "compose.yaml"), *words]
        return run(command, check, quiet,
                   {**self.env, "COMPOSE_PROFILES": ",".join(profiles),
                    **(env or {})})

    def inside(self, *words, env=None, quiet=True):
        """In the tester, which is in the private network."""
        options = [word for name, value in (env or {}).items()
                   for word in ("-e", f"{name}={value}")]
        return self.compose("exec", "-T", *options, "tester", *words,
                            profiles=["test"], quiet=quiet, check=False)

    def container(self, service, profiles):
        done = self.compose("ps", "-q", service, profiles=profiles)
        return done.stdout.strip()

    def docker(self, *words):
        return run(["docker", *words], True, True, self.env).stdout.strip()

    def start(self, profile, *more):
        """With that store, and whatever else those profiles name."""
        self.compose("up", "-d", "--remove-orphans", profiles=[profile, *more],
                     env={"STORE": STORES[profile]})
        for port in self.ports:
            wait_until(lambda port=port: serves(port), f"web at {port}", 60)
        if profile == "dynamodb":
            self.make_table()

    def is_healthy(self):
        """All that run and tell of their health."""
        return not any(self.docker("ps", "-q", *MINE, "--filter", f"health={bad}")
                       for bad in ("starting", "unhealthy"))

    def make_table(self):
        """A store that keeps its tables in memory has none when it starts."""
        done = None

        def made():
            nonlocal done
            done = self.inside("build/dev/fcachectl", "-s", patient("dynamodb"),
                               "init", env=AWS)
            # dynalite deletes nothing by itself, and is told so
            return done.returncode == 0 or "is there" in done.stdout
        with contextlib.suppress(Failed):
            return wait_until(made, "dynamodb", 20)
        raise Failed(f"fcachectl init: {done.stdout}")

    def down(self):
        self.compose("down", "-v", "-t", "2", "--remove-orphans",
                     profiles=[*STORES, "test"])
        left = [self.docker("ps", "-aq", *MINE)] + [
            self.docker(kind, "ls", "-q", *MINE) for kind in ("network", "volume")]
        if any(left):
            raise Failed(f"left in the engine: {left}")
