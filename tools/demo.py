#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real API behind a real httpd with the cache, and what the cache does.

Starts the example API of docker/api and an httpd of its own (temporary
directory, free ports, loopback only), sends requests with curl and says of each
what it shows. Then stays up until Ctrl-C; with --once it ends, with status 0
only if every answer was what it should be.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
MUST_BE_FASTER = 20

CONFIG = """
ServerRoot "{dir}"
ServerName localhost
DefaultRuntimeDir "{dir}"
PidFile "{dir}/httpd.pid"
ErrorLog "{dir}/error.log"
LogLevel warn mpm_event:notice
{identity}
{modules}
LoadModule fcache_module "{build}/mod_fcache.so"
Listen 127.0.0.1:{port}
StartServers 2
ThreadsPerChild 8
MaxRequestWorkers 16

ProxyPass / http://127.0.0.1:{api_port}/

<Location "/">
    FCacheEnable on
</Location>
<Location "/items">
    FCacheNamespace items
</Location>
<Location "/plain">
    FCacheExpire 60
</Location>
<Location "/search">
    # Equal bodies have equal answers: the body's digest is part of the key.
    FCacheMethods GET POST
    FCacheExpire 60
</Location>
"""


class Wrong(Exception):
    """The demo cannot go on; its text is for the user."""


def free_port():
    """Below those that the system gives to connections, so that it stays free
    until the server has it."""
    while True:
        port = random.randrange(20000, 32000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            continue


def apxs(name):
    return subprocess.run(["apxs", "-q", name], check=True, text=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.strip()


def wait_until(ready, process, what, seconds=20):
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise Wrong(f"{what} ended with status {process.returncode}")
        if time.monotonic() > end:
            raise Wrong(f"{what} is not ready after {seconds} s")
        time.sleep(0.02)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def stop(process):
    """Ends a process and everything in its group."""
    for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


class Demo:
    """The API and the httpd in front of it."""

    def __init__(self, build, port, place, cleanup):
        self.build, self.dir, self.cleanup = build, place, cleanup
        self.port, self.api_port = port or free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.error_log = place / "error.log"
        self.httpd = None

    def spawn(self, command, log):
        with open(self.dir / log, "wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=out,
                                       start_new_session=True)
        self.cleanup.callback(stop, process)
        return process

    def start(self):
        api = self.spawn(
            ["/usr/bin/python3", "-B", "-m", "uvicorn", "--app-dir",
             str(ROOT / "docker/api"), "--host", "127.0.0.1", "--port",
             str(self.api_port), "--log-level", "warning", "app:app"],
            "api.log")
        wait_until(lambda: answers(f"http://127.0.0.1:{self.api_port}/health"),
                   api, "the example API")
        (self.dir / "httpd.conf").write_text(self.configuration())
        self.httpd = self.spawn(
            [f"{apxs('SBINDIR')}/{apxs('PROGNAME')}", "-f",
             str(self.dir / "httpd.conf"), "-DFOREGROUND"], "httpd.log")
        wait_until(lambda: answers(f"{self.url}/health"), self.httpd, "httpd")

    def configuration(self):
        folder = pathlib.Path(apxs("LIBEXECDIR"))
        modules = "\n".join(
            f'LoadModule {name}_module "{folder}/mod_{name}.so"'
            for name in ("mpm_event", "authz_core", "unixd", "log_config",
                         "proxy", "proxy_http")
            if (folder / f"mod_{name}.so").exists())
        identity = ""
        if os.geteuid() == 0:
            identity = "User www-data\nGroup www-data"
        return CONFIG.format(dir=self.dir, identity=identity, modules=modules,
                             build=self.build, port=self.port,
                             api_port=self.api_port)

    def restart_gracefully(self):
        def starts():
            return self.error_log.read_text().count(
                "resuming normal operations")
        before = starts()
        self.httpd.send_signal(signal.SIGUSR1)
        wait_until(lambda: starts() > before, self.httpd, "httpd's restart")
        wait_until(lambda: all(self.is_quick() for _ in range(3)), self.httpd,
                   "httpd after its restart")

    def is_quick(self):
        """Is a worker waiting, or is one only being started?"""
        start = time.monotonic()
        return answers(f"{self.url}/health") and time.monotonic() - start < 0.1

    def store(self):
        """Which store fcachectl means: other servers may run here too."""
        return f"memory:default?pid={self.httpd.pid}"

    def clear(self, namespace):
        subprocess.run([str(self.build / "fcachectl"), "-s", self.store(),
                        "clear", "--namespace", namespace], check=True,
                       stdout=subprocess.DEVNULL)

    def curl(self, path, *options):
        """(status, fields, body, seconds) of one request."""
        head, body = self.dir / "head", self.dir / "body"
        body.write_bytes(b"")
        seconds = subprocess.run(
            ["curl", "-sS", "--max-time", "20", "-D", str(head), "-o",
             str(body), "-w", "%{time_total}", *options, self.url + path],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        lines = head.read_text(encoding="iso-8859-1").splitlines()
        fields = dict(line.lower().split(": ", 1) for line in lines[1:]
                      if ": " in line)
        return int(lines[0].split()[1]), fields, body.read_bytes(), \
            float(seconds)


class Table:
    """Prints rows and remembers whether all were as expected."""

    ROW = "{:<34} {:>6}  {:<8} {:>3}  {:>9}  {}"

    def __init__(self, demo):
        self.demo, self.wrong = demo, []
        print(self.ROW.format("request", "status", "X-FCache", "Age", "time",
                              "what it shows"))
        print(self.ROW.format("-" * 34, "-" * 6, "-" * 8, "---", "-" * 9,
                              "-" * 34))

    def row(self, request, path, status, verdict, shows, *options):
        got = self.demo.curl(path, *options)
        fields = got[1]
        print(self.ROW.format(request, got[0], fields.get("x-fcache", "-")
                              .upper(), fields.get("age", "-"),
                              f"{got[3] * 1000:.1f} ms", shows), flush=True)
        self.expect(got[0] == status, f"{request}: status {status}")
        self.expect(fields.get("x-fcache", "").upper() == verdict,
                    f"{request}: X-FCache {verdict}")
        return got

    def expect(self, holds, what):
        if not holds:
            self.wrong.append(what)
            print(f"    EXPECTED {what}")

    def note(self, text):
        print(f"  {text}", flush=True)


def show(demo):
    """The tour; the list of what was not as it should be."""
    table = Table(demo)
    row = table.row

    miss = row("GET /items", "/items", 200, "MISS",
               "the API takes 0.3 s; its answer is stored")
    hit = row("GET /items", "/items", 200, "HIT", "the same bytes, from memory")
    table.expect(hit[2] == miss[2], "the HIT to be the MISS's bytes")
    quickest = min([hit[3]] + [demo.curl("/items")[3] for _ in range(5)])
    faster = miss[3] / max(quickest, 1e-6)
    row("GET /items  If-None-Match", "/items", 304, "HIT",
        "the client's copy is good: no body", "-H",
        f"If-None-Match: {hit[1].get('etag', '')}")
    row("HEAD /items", "/items", 200, "HIT", "the stored GET answers HEAD",
        "--head")

    row("GET /me  as alice", "/me", 200, "MISS", "private: asked for her ...",
        "-H", "Authorization: Bearer alice")
    bob = row("GET /me  as bob", "/me", 200, "MISS",
              "... and for him; never shared", "-H",
              "Authorization: Bearer bob")
    table.expect(json.loads(bob[2] or b"{}").get("user") == "bob",
                 "bob to get his own page")

    search = ("-H", "Content-Type: application/json", "-d", '{"q": "item 4"}')
    row("POST /search  item 4", "/search", 200, "MISS", "a slow search", *search)
    row("POST /search  item 4", "/search", 200, "HIT",
        "the same body has the same answer", *search)
    row("POST /search  item 5", "/search", 200, "MISS",
        "another body is another key", *search[:-1], '{"q": "item 5"}')

    row("GET /plain", "/plain", 200, "MISS", "it says nothing about caching ...")
    row("GET /plain", "/plain", 200, "HIT", "... FCacheExpire 60 does")

    row("GET /error", "/error", 500, "MISS", "an error ...")
    row("GET /error", "/error", 500, "MISS", "... is not kept")

    table.note("fcachectl clear --namespace items")
    demo.clear("items")
    row("GET /items", "/items", 200, "MISS", "cleared, all of the namespace")
    table.note("graceful restart of httpd")
    demo.restart_gracefully()
    row("GET /items", "/items", 200, "HIT", "the store outlives the restart")

    print(f"\nA hit takes {quickest * 1000:.1f} ms, the API {miss[3] * 1000:.0f}"
          f" ms: {faster:.0f} times faster.")
    table.expect(faster >= MUST_BE_FASTER,
                 f"a hit to be {MUST_BE_FASTER} times faster")
    return table.wrong


def stay(demo):
    print(f"""
httpd with the cache   {demo.url}/items   (also /items/7 /me /plain /error)
the API without        http://127.0.0.1:{demo.api_port}/docs
logs, configuration    {demo.dir}

Try:
  curl -i {demo.url}/items/7
  curl -i -d '{{"q": "item 9"}}' {demo.url}/search
  {os.path.relpath(demo.build / 'fcachectl')} -s '{demo.store()}' stats

Ctrl-C stops everything.""", flush=True)
    demo.httpd.wait()
    raise Wrong("httpd ended")


def interrupted(number, _frame):
    """Ends the demo; a second Ctrl-C does not end the clearing up."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(0 if number == signal.SIGINT else 128 + number)


def main():
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument("--once", action="store_true",
                        help="end after the tour, with its result")
    parser.add_argument("--port", type=int, default=0,
                        help="httpd's port (default: a free one)")
    parser.add_argument("--build", type=pathlib.Path, default="build/dev",
                        help=argparse.SUPPRESS)
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)

    with contextlib.ExitStack() as cleanup:
        place = pathlib.Path(tempfile.mkdtemp(prefix="fcache-demo."))
        cleanup.callback(shutil.rmtree, place, ignore_errors=True)
        place.chmod(0o755)
        demo = Demo(options.build.resolve(), options.port, place, cleanup)
        try:
            demo.start()
            print(f"\nAn API behind httpd with mod_fcache on {demo.url}\n")
            wrong = show(demo)
            if not options.once:
                stay(demo)
        except (Wrong, subprocess.CalledProcessError) as error:
            print(f"demo: {error}", file=sys.stderr)
            for log in ("api.log", "httpd.log", "error.log"):
                if (place / log).exists():
                    print(f"-- {log}\n{(place / log).read_text()[-2000:]}",
                          file=sys.stderr)
            return 1
    print("demo: " + ("all as expected" if not wrong else
                      f"{len(wrong)} answers were not as expected"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
