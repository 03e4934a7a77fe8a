#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The fleet of compose.yaml: build it, try it, test it, take it down.

    harness.py build
    harness.py up [STORE]
                       the API, two httpds and a store; says what to try
    harness.py test    the image alone; contract and integration tests inside of
                       the network; faults from outside while clients ask
    harness.py down

./run docker finds an engine first (engine.sh) and calls this.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alone import image_alone
from compose import (AWS, BUILD, HERE, STEPS, STORES, Failed, Fleet, patient, say,
                     step, wait_until)
from faults import HEAD, fault_tests

CA = Path("/usr/local/share/ca-certificates")

CREDENTIALS = "/src/build/credentials"


def build(fleet, testing):
    """Certificates of a proxy before the npm registry, if this host has any."""
    for path in CA.glob("*.crt"):
        shutil.copy(path, HERE / "ca")

    def images(*services):
        for service in services:
            with step(f"build {service}"):
                fleet.compose("build", service, profiles=["test"])
    with ThreadPoolExecutor(2) as pool:
        mine = ("web1", "tester") if testing else ("web1",)
        for done in [pool.submit(images, *mine), pool.submit(images, "api")]:
            done.result()


def make_secret(fleet):
    """A secret for the entries, which only the httpds' user may read: made in a
    container, as who calls this need not be root."""
    folder = BUILD / "conf.d"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "secret").exists():
        fleet.docker(
            "run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh",
            "-v", f"{folder}:/out", "fcache", "-ec",
            "umask 077; fcachectl secret >/out/new; chmod 400 /out/new; "
            "chown 33:33 /out/new; mv /out/new /out/secret")


def up(fleet, store):
    build(fleet, testing=store == "dynamodb")  # whose table the tester makes
    make_secret(fleet)
    with step("up"):
        fleet.start(store, *(["test"] if store == "dynamodb" else []))
    one, two = (f"http://127.0.0.1:{port}" for port in fleet.ports)
    say(f"""
two httpds share one store, {store}:
  {one}   {two}
  {one}/fcache-status tells of the store

try:
  curl -si -H 'Host: api' {one}/items | grep -i x-fcache    # MISS, 0.3 s
  curl -si -H 'Host: api' {two}/items | grep -i x-fcache    # HIT, of the other's
  curl -si -H 'Host: api' -H 'If-None-Match: *' {two}/items | head -n 1   # 304

end: ./run docker down""")


# ---- test --------------------------------------------------------------------

def contract(fleet, profile):
    """What every store must do, on stores that are other machines."""
    done = fleet.inside("build/dev/tests/servers/contract.servers",
                        env={"FCACHE_URL": patient(profile), **AWS})
    passed = done.stdout.count("[       OK ]")
    if done.returncode != 0 or passed == 0:
        raise Failed(done.stdout)
    say(f"   {passed} passed")


def integration(fleet):
    """All of them, on the image's MPM; whose stores are only stores, has the
    fleet's."""
    fleet.inside("sh", "-c", "umask 077 && printf '[default]\\n"
                 f"aws_access_key_id = {AWS['AWS_ACCESS_KEY_ID']}\\n"
                 f"aws_secret_access_key = {AWS['AWS_SECRET_ACCESS_KEY']}\\n'"
                 f" >{CREDENTIALS}")
    urls = {kind: patient(kind) for kind in ("redis", "memcached", "dynamodb")}
    urls["dynamodb"] += f"&credentials=file&credentials-file={CREDENTIALS}"
    done = fleet.inside(
        "/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider",
        "tests/integration",
        env={"FCACHE_BUILD": "/src/build/dev", "FCACHE_MPM": "event",
             "FCACHE_URLS": json.dumps(urls)})
    end = done.stdout.strip().splitlines()[-1]
    if done.returncode != 0 or not re.match(r"\d+ passed(, \d+ warn\w+)? in", end):
        raise Failed(done.stdout)
    say(f"   {end}")


def load():
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


@contextlib.contextmanager
def part(bad, name):
    """A step whose failure leaves the others their turn."""
    try:
        with step(name):
            yield
    except Failed as failure:
        say(f"FAILED: {name}\n{failure}")
        bad.append(name)


def fault_table(fleet, bad):
    table = []
    for profile in STORES:
        with part(bad, f"faults: {profile}"):
            fault_tests(fleet, profile, table)
    say("\n" + "\n".join([HEAD, *(row for row, _ in table)]))
    failed = sum(not held for _, held in table)
    say(f"{len(table)} faults, {failed} bad")
    if failed:
        bad.append("faults")


def test_all(fleet, bad):
    with step("up"):
        fleet.compose("up", "-d", profiles=[*STORES, "test"])
        wait_until(fleet.is_healthy, "all are healthy", 60)
        fleet.make_table()
    with part(bad, "the image alone"):
        image_alone(fleet)
    for profile in STORES:
        with part(bad, f"contract in the network: {profile}"):
            contract(fleet, profile)
    with part(bad, "integration in the network"):
        integration(fleet)
    fault_table(fleet, bad)


def test(fleet):
    bad, start, before = [], time.monotonic(), load()
    if fleet.count():
        raise Failed("the fleet is up: ./run docker down")
    fleet.env["API_DELAY_S"] = "0.02"
    build(fleet, testing=True)
    make_secret(fleet)
    try:
        with part(bad, "tests"):
            test_all(fleet, bad)
        if bad:
            say(fleet.compose("logs", "--tail", "100", profiles=[*STORES, "test"],
                              check=False).stdout)
    finally:
        with part(bad, "down"):
            fleet.down()
        say("")
        for name, seconds in STEPS:
            say(f"{seconds:8.1f} s  {name}")
        say(f"{time.monotonic() - start:8.1f} s  with images, on {os.cpu_count()} "
            f"cores; load {before} before, {load()} after")
    if bad:
        raise Failed("failed: " + ", ".join(bad))
    say("docker: all as expected")


def main():
    parser = argparse.ArgumentParser(prog="./run docker")
    commands = parser.add_subparsers(dest="command", required=True)
    for word in ("build", "test", "down"):
        commands.add_parser(word)
    commands.add_parser("up").add_argument("store", nargs="?", default="redis",
                                           choices=STORES)
    asked = parser.parse_args()
    try:
        fleet = Fleet()
        if asked.command == "build":
            build(fleet, testing=False)
        elif asked.command == "up":
            up(fleet, asked.store)
        else:
            {"test": test, "down": Fleet.down}[asked.command](fleet)
    except Failed as failure:
        say(f"harness: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
