#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The fleet of compose.yaml: build it, try it, test it, take it down.

    harness.py build
    harness.py up      the API, two httpds and Redis; says what to try
    harness.py test    contract and integration tests inside of the network, then
                       faults from outside while clients ask both httpds
    harness.py down

./run docker finds an engine first (engine.sh) and calls this.
"""
import argparse
import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from fleet import Load, ask, resumes

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "fleet"
PROJECT = "fcache"
CA = Path("/usr/local/share/ca-certificates")

AWS = {name: os.environ.get(name, "local")
       for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
# People with an account may name another service; its region is in AWS_REGION.
DYNAMODB = os.environ.get("DYNAMODB_ENDPOINT", "http://dynamodb:8000")
SECRET = "secret-file=/etc/fcache/conf.d/secret"
# For tests that are not about time.
PATIENT = "integrity=off&connect=5s&read=5s&lookup=10s&store=10s"

# profile: URL, the container that is made to fail
STORES = {
    "redis": (f"redis://redis:6379?{SECRET}", "redis"),
    "cluster": ("redis://172.30.77.11,172.30.77.12,172.30.77.13?cluster=on&"
                + SECRET, "cluster2"),
    "sentinel": ("redis://sentinel1:26379,sentinel2:26379,sentinel3:26379"
                 f"?sentinel=fcache&{SECRET}", "master"),
    "memcached": (f"memcached://memcached1,memcached2?{SECRET}", "memcached1"),
    "dynamodb": ("dynamodb://fcache?plaintext=on&region="
                 f"{os.environ.get('AWS_REGION', 'us-east-1')}"
                 f"&endpoint={DYNAMODB}&{SECRET}", "dynamodb"),
}
FAULT_S = 2


class Failed(Exception):
    """Something did not hold; its text says what."""


def say(text):
    print(text, flush=True)


@contextlib.contextmanager
def step(name):
    start = time.monotonic()
    say(f"== {name}")
    yield
    say(f"   {time.monotonic() - start:.1f} s")


# ---- docker ------------------------------------------------------------------

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

    def inside(self, *words, env=None, quiet=False):
        """In the tester, which is in the private network."""
        options = [word for name, value in (env or {}).items()
                   for word in ("-e", f"{name}={value}")]
        return self.compose("exec", "-T", *options, "tester", *words,
                            profiles=["test"], quiet=quiet, check=False)

    def container(self, service, profiles):
        done = self.compose("ps", "-q", service, profiles=profiles)
        return done.stdout.strip()

    def docker(self, *words):
        return run(["docker", *words], True, True, self.env)


def run(command, check, quiet, env):
    done = subprocess.run(command, env=env, check=False, text=True,
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE if quiet else None,
                          stderr=subprocess.STDOUT if quiet else None)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(command)}: status {done.returncode}\n"
                     f"{done.stdout or ''}")
    return done


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


# ---- build, up, down ---------------------------------------------------------

def build(fleet, testing):
    """Certificates of a proxy before the npm registry, if this host has any."""
    for path in CA.glob("*.crt"):
        shutil.copy(path, HERE / "ca")
    services = ["api", "web1"] + (["tester"] if testing else [])
    for service in services:
        with step(f"build {service}"):
            fleet.compose("build", service, profiles=["test"])


def make_secret(fleet):
    """A secret for the entries, which only the httpds' user may read."""
    folder = BUILD / "conf.d"
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "secret"
    if not secret.exists():
        done = fleet.docker("run", "--rm", "--network", "none", "--entrypoint",
                            "fcachectl", "fcache", "secret")
        secret.write_text(done.stdout, encoding="ascii")
        secret.chmod(0o400)
        os.chown(secret, 33, 33)  # www-data in the image


def start(fleet, profile, *more):
    """With that store, and whatever else those profiles name."""
    url, _ = STORES[profile]
    fleet.compose("up", "-d", "--remove-orphans", profiles=[profile, *more],
                  env={"STORE": url})
    for port in fleet.ports:
        wait_until(lambda port=port: ask(port, "/fcache-health")[0] == 200,
                   f"web at {port}", 60)
    if profile == "dynamodb":
        make_table(fleet)


def make_table(fleet):
    done = fleet.inside("build/dev/fcachectl", "-s",
                        STORES["dynamodb"][0].replace(SECRET, PATIENT),
                        "init", env=AWS, quiet=True)
    # dynalite deletes nothing by itself, and is told so
    if done.returncode != 0 and "is there" not in done.stdout:
        raise Failed(f"fcachectl init: {done.stdout}")


def wait_until(condition, what, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def up(fleet):
    build(fleet, testing=False)
    make_secret(fleet)
    with step("up"):
        start(fleet, "redis")
    one, two = (f"http://127.0.0.1:{port}" for port in fleet.ports)
    say(f"""
two httpds share one Redis:
  {one}   {two}
  {one}/fcache-status tells of the store

try:
  curl -si -H 'Host: api' {one}/items | grep -i x-fcache    # MISS, 0.3 s
  curl -si -H 'Host: api' {two}/items | grep -i x-fcache    # HIT, of the other's
  curl -si -H 'Host: api' -H 'If-None-Match: *' {two}/items | head -n 1   # 304

end: ./run docker down""")


def down(fleet):
    fleet.compose("down", "-v", "-t", "2", "--remove-orphans",
                  profiles=[*STORES, "test"])


# ---- test --------------------------------------------------------------------

def inside_tests(fleet, bad):
    """Everything that needs no faults, where names are names and the stores are
    other machines."""
    fleet.compose("up", "-d", profiles=[*STORES, "test"])
    make_table(fleet)
    for profile, (url, _) in STORES.items():
        with step(f"contract in the network: {profile}"):
            done = fleet.inside(
                "build/dev/tests/servers/contract.servers", quiet=True,
                env={"FCACHE_URL": url.replace(SECRET, PATIENT),
                     **AWS})
            passed = done.stdout.count("[       OK ]")
            say(f"   {passed} passed")
            if done.returncode != 0 or passed == 0:
                say(done.stdout)
                bad.append(f"contract {profile}")
    with step("integration in the network"):
        done = fleet.inside("ctest", "--test-dir", "build/dev", "-L",
                            "^integration$", "--no-tests=error",
                            "--output-on-failure")
        if done.returncode != 0:
            bad.append("integration")


ADDRESSES = {"cluster2": "172.30.77.12", "master": "172.30.77.21",
             "replica": "172.30.77.22"}


def victim(fleet, profile):
    """The container that is to fail; of Sentinel's, who is master now."""
    if profile != "sentinel":
        return STORES[profile][1]
    said = fleet.inside("redis-cli", "-h", "sentinel1", "-p", "26379",
                        "sentinel", "get-master-addr-by-name", "fcache",
                        quiet=True).stdout
    return next(name for name in ("master", "replica")
                if ADDRESSES[name] in said)


def faults(fleet, profile, service):
    """name: how it begins and how it ends."""
    profiles = [profile]
    network = f"{PROJECT}_private"

    def compose(*words):
        return lambda: fleet.compose(*words, service, profiles=profiles)

    def start_again():
        fleet.compose("start", service, profiles=profiles)
        if profile == "dynamodb":  # it keeps its tables in memory
            wait_until(lambda: fleet.inside(
                "curl", "-s", "http://dynamodb:8000", quiet=True
            ).returncode == 0, "dynamodb", 20)
            make_table(fleet)

    def disconnect():
        fleet.docker("network", "disconnect", network,
                     fleet.container(service, profiles))

    def connect():
        words = ["network", "connect", "--alias", service]
        if service in ADDRESSES:
            words += ["--ip", ADDRESSES[service]]
        fleet.docker(*words, network, fleet.container(service, profiles))

    return {
        "stop, start": (compose("stop", "-t", "1"), start_again),
        "pause, unpause": (compose("pause"), compose("unpause")),
        "kill -9, start": (compose("kill", "-s", "KILL"), start_again),
        "disconnect, connect": (disconnect, connect),
    }


def web_faults(fleet):
    def replace():
        for service in ("web1", "web2"):
            fleet.compose("up", "-d", "--force-recreate", "--no-deps", service)
            port = fleet.ports[int(service[-1]) - 1]
            wait_until(lambda port=port: ask(port, "/fcache-health")[0] == 200,
                       service, 30)
    return {
        "kill -9 of an httpd, start": (
            lambda: fleet.compose("kill", "-s", "KILL", "web1"),
            lambda: fleet.compose("start", "web1")),
        "rolling replacement": (replace, lambda: None),
    }


def try_fault(fleet, profile, name, begin, end, table, bad):
    load = Load(fleet.ports)
    load.start()
    time.sleep(0.5)
    begin()
    time.sleep(FAULT_S)
    end()
    back_s = resumes(fleet.ports, 45)
    load.stop()
    problems = load.problems()
    if back_s is None:
        problems.append("caching does not resume")
    table.append(f"{profile:10} {name:28} {load.requests:8} "
                 f"{len(load.failed):6} {len(load.wrong):5} "
                 f"{-1 if back_s is None else back_s:7.1f}s  "
                 f"{'; '.join(problems) or 'passed'}")
    say("   " + table[-1])
    if problems:
        bad.append(f"{profile}: {name}")


def fault_tests(fleet, bad):
    table = []
    for profile in STORES:
        with step(f"faults: {profile}"):
            start(fleet, profile, "test")
            if resumes(fleet.ports, 30) is None:
                raise Failed(f"{profile}: nothing is cached")
            for name in faults(fleet, profile, None):
                cases = faults(fleet, profile, victim(fleet, profile))
                try_fault(fleet, profile, name, *cases[name], table, bad)
            if profile == "redis":
                for name, case in web_faults(fleet).items():
                    try_fault(fleet, profile, name, *case, table, bad)
            fleet.compose("stop", "-t", "1", profiles=[profile])
    say(f"\n{'store':10} {'fault':28} {'requests':>8} {'failed':>6} "
        f"{'wrong':>5} {'back in':>8}  result")
    for row in table:
        say(row)


def test(fleet):
    bad = []
    fleet.env["API_DELAY_S"] = "0.02"
    build(fleet, testing=True)
    make_secret(fleet)
    try:
        with step("tests inside"):
            inside_tests(fleet, bad)
        fault_tests(fleet, bad)
    finally:
        with step("down"):
            down(fleet)
    if bad:
        raise Failed("failed: " + ", ".join(bad))
    say("docker: all as expected")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["build", "up", "test", "down"])
    command = parser.parse_args().command
    fleet = Fleet()
    try:
        if command == "build":
            build(fleet, testing=False)
        else:
            {"up": up, "test": test, "down": down}[command](fleet)
    except Failed as failure:
        say(f"harness: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
