# SPDX-License-Identifier: Apache-2.0
"""The image by itself, as `docker run` starts it: its default configuration, its
health page, an upstream that it caches, and an end that cuts nobody short."""
import json
import threading
import time

from clients import ask
from compose import PROJECT, Failed, free_ports, say, serves, wait_until

SLOW_S = 2
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


def without_upstream(fleet):
    port = start_image(fleet)
    answer = ask(port, "/fcache-health")
    holds("without UPSTREAM the health page says ok, and is not stored",
          answer == (200, None, b"ok\n"), answer)
    status = ask(port, "/items")[0]
    holds("and nothing else is there", status in (403, 404), status)
    fleet.docker("rm", "-f", NAMES[0])


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
    stop_during_a_request(fleet, port)


def stop_during_a_request(fleet, port):
    answers = []
    client = threading.Thread(target=lambda: answers.append(ask(port, "/items/2")))
    client.start()
    time.sleep(SLOW_S / 4)
    fleet.docker("stop", NAMES[0])
    client.join()
    status = state(fleet, "{{.State.ExitCode}}")
    holds("docker stop: the request under way is answered, httpd ends with 0",
          answers[0][:2] == (200, "MISS") and status == "0", (answers, status))


def image_alone(fleet):
    """With the fleet's networks up."""
    try:
        start_slow_api(fleet)
        without_upstream(fleet)
        with_upstream(fleet)
    finally:
        fleet.docker("rm", "-f", *NAMES)
