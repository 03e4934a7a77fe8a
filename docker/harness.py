#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The fleet of compose.yaml: build it, try it, test it, take it down.

    harness.py build
    harness.py up      the API, two httpds and Redis; says what to try
    harness.py test    the image alone; contract and integration tests inside of
                       the network; faults from outside while clients ask
    harness.py down

./run docker finds an engine first (engine.sh) and calls this.
"""
import argparse
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
from faults import fault_tests

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
    """A secret for the entries, which only the httpds' user may read."""
    folder = BUILD / "conf.d"
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "secret"
    if not secret.exists():
        secret.write_text(fleet.docker(
            "run", "--rm", "--network", "none", "--entrypoint", "fcachectl",
            "fcache", "secret") + "\n", encoding="ascii")
        secret.chmod(0o400)
        os.chown(secret, 33, 33)  # www-data in the image


def up(fleet):
    build(fleet, testing=False)
    make_secret(fleet)
    with step("up"):
        fleet.start("redis")
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


# ---- test --------------------------------------------------------------------

def contract(fleet, bad):
    """What every store must do, on stores that are other machines."""
    for profile in STORES:
        with step(f"contract in the network: {profile}"):
            done = fleet.inside("build/dev/tests/servers/contract.servers",
                                env={"FCACHE_URL": patient(profile), **AWS})
            passed = done.stdout.count("[       OK ]")
            say(f"   {passed} passed")
            if done.returncode != 0 or passed == 0:
                say(done.stdout)
                bad.append(f"contract {profile}")


def integration(fleet, bad):
    """All of them, on the image's MPM; whose stores are only stores, has the
    fleet's."""
    fleet.inside("sh", "-c", "umask 077 && printf '[default]\\n"
                 f"aws_access_key_id = {AWS['AWS_ACCESS_KEY_ID']}\\n"
                 f"aws_secret_access_key = {AWS['AWS_SECRET_ACCESS_KEY']}\\n'"
                 f" >{CREDENTIALS}")
    urls = {kind: patient(kind) for kind in ("redis", "memcached", "dynamodb")}
    urls["dynamodb"] += f"&credentials=file&credentials-file={CREDENTIALS}"
    with step("integration in the network"):
        done = fleet.inside(
            "/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p",
            "no:cacheprovider",
            "tests/integration",
            env={"FCACHE_BUILD": "/src/build/dev", "FCACHE_MPM": "event",
                 "FCACHE_URLS": json.dumps(urls)})
        say("   " + done.stdout.strip().splitlines()[-1])
        if done.returncode != 0 or not re.search(r"\d+ passed", done.stdout):
            say(done.stdout)
            bad.append("integration")


def load():
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


def test(fleet):
    bad, start, before = [], time.monotonic(), load()
    fleet.env["API_DELAY_S"] = "0.02"
    build(fleet, testing=True)
    make_secret(fleet)
    try:
        with step("up"):
            fleet.compose("up", "-d", profiles=[*STORES, "test"])
            wait_until(fleet.is_healthy, "all are healthy", 60)
            fleet.make_table()
        with step("the image alone"):
            image_alone(fleet)
        contract(fleet, bad)
        integration(fleet, bad)
        fault_tests(fleet, bad)
    finally:
        with step("down"):
            fleet.down()
    say("")
    for name, seconds in STEPS:
        say(f"{seconds:8.1f} s  {name}")
    say(f"{time.monotonic() - start:8.1f} s  in all, on {os.cpu_count()} cores; load "
        f"{before} before, {load()} after")
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
            {"up": up, "test": test, "down": Fleet.down}[command](fleet)
    except Failed as failure:
        say(f"harness: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
