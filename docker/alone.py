# SPDX-License-Identifier: Apache-2.0
"""The image by itself, as `docker run` starts it: its default configuration, its
health page, an upstream that it caches, a file of its operator, and ends that cut
nobody short."""
import json
import threading
import time

from clients import ask, figure
from compose import BUILD, PROJECT, Failed, free_ports, say, serves, wait_until

SLOW_S = 3
NAMES = (f"{PROJECT}_alone", f"{PROJECT}_slow")


def holds(what, condition, seen):
    if not condition:
        raise Failed(f"the image alone: not so: {what}; seen: {seen}")
    say(f"   {what}")


def start_slow_api(fleet):
    fleet.docker("run", "-d", "--name", NAMES[1], "--network",
                 f"{PROJECT}_private", "--network-alias", "slow", "-e",
                 f"API_DELAY_S={SLOW_S}", "fcache-stores", "python3", "-m",
                 "uvicorn", "--app-dir", "/opt/api", "--host", "0.0.0.0", "--port",
                 "8000", "app:app")


def start_image(fleet, *options):
    """docker run, in both of the fleet's networks; the port on the loopback."""
    port, = free_ports(1)
    fleet.docker("create", "--name", NAMES[0], "--network", f"{PROJECT}_outside",
                 "-p", f"127.0.0.1:{port}:8080", *options, "fcache")
    fleet.docker("network", "connect", f"{PROJECT}_private", NAMES[0])
    fleet.docker("start", NAMES[0])
    wait_until(lambda: serves(port), "the image's health page", 20)
    return port


def state(fleet, template):
    return fleet.docker("inspect", "-f", template, NAMES[0])


def remove(fleet, *names):
    for name in names:
        if fleet.docker("ps", "-aq", "--filter", f"name=^{name}$"):
            fleet.docker("rm", "-f", name)


def without_upstream(fleet):
    port = start_image(fleet)
    answer = ask(port, "/fcache-health")
    holds("without UPSTREAM the health page says ok, and is not stored",
          answer == (200, None, b"ok\n"), answer)
    status = ask(port, "/items")[0]
    holds("and nothing else is there", status in (403, 404), status)
    status = ask(port, "/fcache-status")[0]
    holds("the status page is nobody's", status == 403, status)
    remove(fleet, NAMES[0])


def with_upstream(fleet):
    port = start_image(fleet, "-e", "UPSTREAM=http://slow:8000")
    wait_until(lambda: ask(port, "/health")[0] == 200, "the slow API", 20)
    user = fleet.docker("exec", NAMES[0], "id", "-un")
    holds("it runs as www-data", user == "www-data", user)
    first, second = ask(port, "/items/1"), ask(port, "/items/1")
    holds("with UPSTREAM: MISS, then HIT with the same body",
          first[:2] == (200, "MISS") and second == (200, "HIT", first[2]),
          (first, second))
    private = [ask(port, "/me", headers={"Authorization": f"Bearer {name}"})
               for name in ("ada", "bob")]
    holds("and what is private is told to its user only",
          [json.loads(each[2])["user"] for each in private] == ["ada", "bob"],
          private)
    wait_until(lambda: state(fleet, "{{.State.Health.Status}}") == "healthy",
               "healthy", 20)
    say("   docker calls it healthy")
    remove(fleet, NAMES[0])


def with_a_file(fleet):
    folder = BUILD / "alone.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.conf").write_text(
        "FCacheStatusHeader X-Mine\n", encoding="ascii")
    port = start_image(fleet, "-e", "UPSTREAM=http://slow:8000", "-v",
                       f"{folder}:/etc/fcache/conf.d:ro")
    answer = ask(port, "/health", verdict="X-Mine")
    holds("a file in conf.d counts", answer[:2] == (200, "MISS"), answer)
    remove(fleet, NAMES[0])


def stop_during_a_request(fleet, how, *words):
    """The answer has to come after the word to stop, and whole."""
    port = start_image(fleet, "-e", "UPSTREAM=http://slow:8000", "-e",
                       "STATUS_FROM=10.0.0.0/8 172.16.0.0/12 192.168.0.0/16")
    wait_until(lambda: ask(port, "/health")[0] == 200, "the slow API", 20)
    answers = []
    client = threading.Thread(target=lambda: answers.append(
        (ask(port, f"/items/2?{words[0]}"), time.monotonic())))
    client.start()
    wait_until(lambda: (figure(port, "BusyWorkers") or 0) > 1, "the slow request",
               SLOW_S)
    told = time.monotonic()
    fleet.docker(*words, NAMES[0])
    client.join()
    status = fleet.docker("wait", NAMES[0])
    (answer, answered), = answers
    holds(f"{how}: the request under way is answered, httpd ends with 0",
          answer[:2] == (200, "MISS") and answered > told and status == "0",
          (answer, answered - told, status))
    remove(fleet, NAMES[0])


def image_alone(fleet):
    """With the fleet's networks up."""
    remove(fleet, *NAMES)
    try:
        start_slow_api(fleet)
        without_upstream(fleet)
        with_upstream(fleet)
        with_a_file(fleet)
        stop_during_a_request(fleet, "docker stop", "stop")
        stop_during_a_request(fleet, "SIGTERM", "kill", "-s", "TERM")
    finally:
        remove(fleet, *NAMES)
