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

# People with an account may name another service; its region is in AWS_REGION.
DYNAMODB = os.environ.get("DYNAMODB_ENDPOINT", "http://dynamodb:8000")
OWN_DYNAMODB = "DYNAMODB_ENDPOINT" not in os.environ
AWS = {"AWS_ACCESS_KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID", "local"),
       "AWS_SECRET_ACCESS_KEY": os.environ.get("AWS_SECRET_ACCESS_KEY", "local"),
       "AWS_SESSION_TOKEN": os.environ.get("AWS_SESSION_TOKEN", "")}
SECRET = "secret-file=/etc/fcache/conf.d/secret"
PATIENCE_S = 1800  # for any one command
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
    "dynamodb": ("dynamodb://fcache?region="
                 f"{os.environ.get('AWS_REGION', 'us-east-1')}"
                 f"&plaintext={'on' if DYNAMODB.startswith('http:') else 'off'}"
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


def run(command, check, env):
    """Its output and its errors are one text, as its reader would see them."""
    try:
        done = subprocess.run(command, env=env, check=False, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{' '.join(command)}: not within {PATIENCE_S} s\n"
                     f"{late.output or ''}") from late
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(command)}: status {done.returncode}\n"
                     f"{done.stdout or ''}")
    return done


class Fleet:
    def __init__(self):
        self.compose_command = (
            ["docker-compose"] if shutil.which("docker-compose")
            else ["docker", "compose"])
        self.env = {**os.environ, "DOCKER_BUILDKIT": "0",
                    "COMPOSE_DOCKER_CLI_BUILD": "0",
                    "CONF_D": str(BUILD / "conf.d"), **AWS}
        used = self.ports_in_use()
        self.ports = used if len(used) == 2 else free_ports(2)
        self.env.update({f"PORT{i}": str(port)
                         for i, port in enumerate(self.ports, 1)})

    def ports_in_use(self):
        """Of the httpds that are up already."""
        return [int(self.docker("port", each, "8080/tcp").rpartition(":")[2])
                for service in ("web1", "web2")
                for each in self.docker(
                    "ps", "-q", *MINE, "--filter",
                    f"label=com.docker.compose.service={service}").split()]

    def compose(self, *words, profiles=(), check=True, env=None):
        command = [*self.compose_command, "-p", PROJECT, "-f",
                   str(HERE / "compose.yaml"), *words]
        return run(command, check,
                   {**self.env, "COMPOSE_PROFILES": ",".join(profiles),
                    **(env or {})})

    def inside(self, *words, env=None):
        """In the tester, which is in the private network."""
        options = [word for name, value in (env or {}).items()
                   for word in ("-e", f"{name}={value}")]
        return self.compose("exec", "-T", *options, "tester", *words,
                            profiles=["test"], check=False)

    def container(self, service, profiles=()):
        done = self.compose("ps", "-q", service, profiles=profiles)
        return done.stdout.strip()

    def docker(self, *words):
        return run(["docker", *words], True, self.env).stdout.strip()

    def start(self, profile, *more):
        """With that store, and whatever else those profiles name."""
        self.compose("up", "-d", "--remove-orphans", profiles=[profile, *more],
                     env={"STORE": STORES[profile]})
        for port in self.ports:
            wait_until(lambda port=port: serves(port), f"web at {port}", 60)
        if profile == "dynamodb":
            self.make_table()

    def count(self, *filters):
        return len(self.docker("ps", "-aq", *MINE, *(
            word for each in filters for word in ("--filter", each))).split())

    def is_healthy(self):
        """All that tell of their health; and what has ended has ended well."""
        return (self.count("health=starting") == self.count("health=unhealthy") == 0
                and self.count("status=exited") == self.count("exited=0")
                and self.count("label=com.docker.compose.service=cluster",
                               "status=running") == 0)

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
