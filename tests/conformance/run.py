#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the public HTTP caching suite (npm http-cache-tests) through the module
and grades it as its authors do: a test counts only when the tests it depends on
passed. Fails when a test that passed in baseline.json does not pass now.

  run.py [--config default|rfc] [--update] [--id TEST]
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE.parent)]

# pylint: disable=wrong-import-position
from harness.httpd import BUILD, SOURCE, Httpd
from servers import free_ports

PACKAGES = ("http-cache-tests@0.4.5", "node-fetch@2")
WORK = BUILD / "conformance"
SUITE = WORK / "node_modules/http-cache-tests"
BASELINE = HERE / "baseline.json"

CONF = """
<VirtualHost 127.0.0.1:{port}>
ServerName 127.0.0.1
# no connection ends while the suite pauses and is about to use it again
KeepAliveTimeout 100
ProxyPass / http://127.0.0.1:{origin}/ retry=0 disablereuse=on
FCacheEnable on
%s
</VirtualHost>
"""
CONFIGS = {
    "default": "",
    "rfc": f'Include "{SOURCE}/conf/rfc9111.conf"',
}
# Many idle workers: event closes connections that are kept alive when it has
# none, and the suite takes that for an answer.
TUNING = """ServerLimit 1
StartServers 1
ThreadsPerChild 400
ThreadLimit 400
MaxRequestWorkers 400
MinSpareThreads 1
MaxSpareThreads 400
AsyncRequestWorkerFactor 16"""
KINDS = ("required", "optimal", "check")


def install():
    """The suite, into the build folder, once."""
    if (SUITE / "cli.mjs").exists():
        return
    WORK.mkdir(parents=True, exist_ok=True)
    # its dependency on npm itself is needed by nothing that runs here
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent",
                    "--prefix", str(WORK), *PACKAGES], check=True,
                   stdin=subprocess.DEVNULL)


def node(*words, **env):
    """The environment and command of a node run inside the suite."""
    env = {"PATH": os.environ["PATH"], "HOME": str(WORK), **env}
    return {"args": ["node", "--no-warnings", *words], "cwd": SUITE,
            "env": env, "stdin": subprocess.DEVNULL}


def start_origin(port):
    log = open(WORK / "origin.log", "wb")
    process = subprocess.Popen(
        **node("--require", str(HERE / "loopback.cjs"), "server/server.mjs",
               npm_config_protocol="http", npm_config_port=str(port),
               npm_config_pidfile=str(WORK / "origin.pid")),
        stdout=log, stderr=log)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                sys.exit("the suite's origin does not start: "
                         f"{WORK}/origin.log")
            time.sleep(0.05)


def run_client(port, test_id):
    done = subprocess.run(
        **node("cli.mjs", npm_config_base=f"http://127.0.0.1:{port}",
               npm_config_id=test_id, npm_package_config_id=""),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
        check=False)
    text = done.stdout.decode()
    if test_id:
        print(text)
        return {}
    start = text.find("{\n")
    if done.returncode != 0 or start < 0:
        sys.exit(f"the suite's client failed:\n{text[-2000:]}\n"
                 f"{done.stderr.decode()[-2000:]}")
    return json.loads(text[start:])


def tests():
    """id -> test, of those that are for caches and not for browsers."""
    done = subprocess.run(
        **node(str(HERE / "list.mjs"), str(SUITE / "tests/index.mjs")),
        stdout=subprocess.PIPE, check=True)
    return {t["id"]: t for t in json.loads(done.stdout)}


def grade(listed, results):
    """id -> "pass" or why not."""
    verdicts = {}

    def verdict(test_id):
        if test_id not in verdicts:
            verdicts[test_id] = judge(test_id)
        return verdicts[test_id]

    def judge(test_id):
        result = results.get(test_id)
        if result is None:
            return "not run"
        for needed in listed[test_id]["needs"]:
            if verdict(needed) != "pass":
                return f"depends on {needed}"
        return "pass" if result is True else ": ".join(map(str, result[:2]))

    for test_id, test in listed.items():
        if not test["browser"]:
            verdict(test_id)
    return {i: v for i, v in verdicts.items() if not listed[i]["browser"]}


def score(listed, verdicts):
    """kind -> passed, of all, of which for browsers only."""
    counts = {}
    for kind in KINDS:
        ids = [i for i in listed if listed[i]["kind"] == kind]
        passed = sum(verdicts.get(i) == "pass" for i in ids)
        browsers = sum(listed[i]["browser"] for i in ids)
        counts[kind] = (passed, len(ids), browsers)
    return counts


def measure(config, test_id):
    origin_port = free_ports(1)[0]
    origin = start_origin(origin_port)
    server = Httpd(CONF % CONFIGS[config], "event", tuning=TUNING,
                   names={"origin": origin_port})
    try:
        server.start()
        results = run_client(server.port, test_id)
        server.log.allow("proxy:error", "proxy_http:(error|warn)")
        bad = server.complaints()
        return results, bad
    finally:
        server.stop()
        server.remove()
        origin.send_signal(signal.SIGTERM)
        origin.wait(10)


def compare(config, listed, verdicts):
    """The tests of the baseline that do not pass any more."""
    if not BASELINE.exists():
        sys.exit(f"no {BASELINE}: write it with --update")
    wanted = json.loads(BASELINE.read_text())[config]
    gone = [i for i in wanted if i not in listed]
    if gone:
        sys.exit("the baseline names tests that the suite has not: " +
                 " ".join(gone))
    return [i for i in wanted if verdicts[i] != "pass"]


def update(config, listed, verdicts):
    kept = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    kept[config] = sorted(i for i, v in verdicts.items() if v == "pass" and
                          listed[i]["kind"] != "check")
    BASELINE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", choices=CONFIGS, default="default")
    parser.add_argument("--update", action="store_true",
                        help="write what passes now into baseline.json")
    parser.add_argument("--id", default="", help="one test, with its dialogue")
    options = parser.parse_args()
    install()
    listed = tests()
    results, bad = measure(options.config, options.id)
    if options.id:
        return 0
    verdicts = grade(listed, results)
    counts = score(listed, verdicts)
    out = WORK / f"result-{options.config}.json"
    out.write_text(json.dumps({"score": counts, "verdicts": verdicts,
                               "results": results}, indent=1) + "\n")
    print(f"{options.config}: " + " ".join(
        f"{kind} {passed}/{total}" for kind, (passed, total, _)
        in counts.items()) + " (of these only browsers run " + ", ".join(
            f"{browsers} {kind}" for kind, (_, _, browsers)
            in counts.items() if browsers) + ")")
    if options.update:
        update(options.config, listed, verdicts)
    lost = compare(options.config, listed, verdicts)
    if lost:  # times are real seconds: what is lost must be lost twice
        results, again = measure(options.config, "")
        verdicts = grade(listed, results)
        lost = [i for i in lost if verdicts[i] != "pass"]
        bad += again
    for test_id in lost:
        print(f"LOST {listed[test_id]['kind']} {test_id}: "
              f"{verdicts[test_id]}")
    for line in bad:
        print(f"error log: {line}")
    return 1 if lost or bad else 0


if __name__ == "__main__":
    sys.exit(main())
