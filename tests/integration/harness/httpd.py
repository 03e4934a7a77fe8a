# SPDX-License-Identifier: Apache-2.0
"""One real httpd of its own: own configuration, free ports, own MPM."""
import base64
import functools
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from servers import free_ports, wait_for

from . import client
from .errorlog import ErrorLog

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("FCACHE_BUILD") or SOURCE / "build/dev")
SANITIZER = os.environ.get("FCACHE_SANITIZER", "")
ROOT = os.geteuid() == 0

resource.setrlimit(resource.RLIMIT_CORE,
                   (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
LIVE = []  # every server of this run that is up; conftest reads their logs

MODULES = """authn_core authn_file authz_core authz_host authz_user auth_basic
    alias dir mime env setenvif headers rewrite filter deflate expires status
    proxy proxy_http proxy_fcgi socache_shmcb ssl http2 cgi cgid""".split()

MPMS = {
    "event": "ServerLimit 4\nStartServers 2\nThreadsPerChild 16\n"
             "ThreadLimit 16\nMaxRequestWorkers 64\n"
             "MinSpareThreads 8\nMaxSpareThreads 48",
    "worker": "ServerLimit 4\nStartServers 2\nThreadsPerChild 16\n"
              "ThreadLimit 16\nMaxRequestWorkers 64\n"
             "MinSpareThreads 8\nMaxSpareThreads 48",
    "prefork": "ServerLimit 32\nStartServers 4\nMinSpareServers 2\n"
               "MaxSpareServers 32\nMaxRequestWorkers 32",
}

HEAD = """ServerRoot "{root}"
ServerName localhost
DefaultRuntimeDir "{root}"
PidFile "{root}/httpd.pid"
ErrorLog "{root}/error.log"
CoreDumpDirectory "{root}"
{identity}
{mpm}
{modules}
LogLevel warn {loglevel}
Listen 127.0.0.1:{port}
Timeout 10
KeepAliveTimeout 5
MaxKeepAliveRequests 0
ProxyTimeout 10
TypesConfig /dev/null
SSLSessionCache "shmcb:{root}/ssl(102400)"
DocumentRoot "{root}/htdocs"
<Directory />
    Require all denied
    AllowOverride None
</Directory>
<Directory "{root}/htdocs">
    Require all granted
    AllowOverride {override}
    Options FollowSymLinks
</Directory>
"""


@functools.lru_cache(None)
def apxs(name):
    done = subprocess.run(["apxs", "-q", name], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip()


@functools.lru_cache(None)
def binary():
    return str(pathlib.Path(apxs("SBINDIR")) / apxs("PROGNAME"))


@functools.lru_cache(None)
def built_in():
    done = subprocess.run([binary(), "-l"], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def load_modules(mpm, without):
    """LoadModule lines; HTTP/2 does not go with prefork, and CGI has a module
    for each kind of MPM."""
    skip = set(without) | ({"http2", "cgid"} if mpm == "prefork" else {"cgi"})
    folder = pathlib.Path(apxs("LIBEXECDIR"))
    loads = []
    for name in [f"mpm_{mpm}"] + [m for m in MODULES if m not in skip]:
        if f"mod_{name}.c" not in built_in() and f"{name}.c" not in built_in():
            path = folder / f"mod_{name}.so"
            assert path.exists(), f"no {path}"
            loads.append(f'LoadModule {name}_module "{path}"')
    return loads


def environment():
    env = {"PATH": os.environ["PATH"], "LANG": "C"}
    if SANITIZER == "asan":
        env["LD_PRELOAD"] = " ".join(map(runtime, ["asan", "ubsan"]))
        env["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1"
        env["UBSAN_OPTIONS"] = "print_stacktrace=1"
    elif SANITIZER == "tsan":
        env["LD_PRELOAD"] = runtime("tsan")
        env["TSAN_OPTIONS"] = "report_signal_unsafe=0:die_after_fork=0"
    return env


@functools.lru_cache(None)
def runtime(name):
    done = subprocess.run(["gcc", f"-print-file-name=lib{name}.so"],
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


class Httpd:
    """`conf` may use {port} (the plain one), {port2} and {port3} (not listened
    on unless it says so), {root}, and whatever comes in `names`."""

    def __init__(self, conf="", mpm="event", module=True, without=(),
                 names=None, override="FileInfo", loglevel="", tuning=None,
                 env=None):
        self.mpm = mpm
        self.conf = conf
        self.module = module
        self.without = without
        self.names = names or {}
        self.override = override
        self.loglevel = loglevel
        self.tuning = tuning or MPMS[mpm]
        self.env = env or {}  # beside what every one has
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="mod_fcache-"))
        self.root.chmod(0o777)  # for the children's core files
        (self.root / "htdocs").mkdir()
        (self.root / "error.log").touch()
        self.log = ErrorLog(self.root / "error.log")
        self.process = None
        self.ports = free_ports(3)

    @property
    def port(self):
        return self.ports[0]

    @property
    def pid(self):
        return self.process.pid

    def write(self):
        loads = load_modules(self.mpm, self.without)
        if self.module:
            loads.append(f'LoadModule fcache_module "{BUILD}/mod_fcache.so"')
        identity = "User www-data\nGroup www-data" if ROOT else ""
        if self.mpm != "prefork" and "cgid" not in self.without:
            identity += f'\nScriptSock "{self.root}/cgid.sock"'
        head = HEAD.format(root=self.root, identity=identity, port=self.port,
                           mpm=self.tuning, modules="\n".join(loads),
                           override=self.override, loglevel=self.loglevel)
        names = dict(self.names, root=self.root, port=self.port,
                     port2=self.ports[1], port3=self.ports[2])
        text = self.conf
        for name, value in names.items():
            text = text.replace("{%s}" % name, str(value))
        path = self.root / "httpd.conf"
        path.write_text(head + text + "\n")
        return path

    def command(self, *options):
        return [binary(), "-f", str(self.write()), *options]

    def check(self):
        """httpd -t: exit status and what it says."""
        done = subprocess.run(self.command("-t"), env=environment(),
                              stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode()

    def start(self):
        LIVE.append(self)
        for _ in range(3):  # somebody else may take the port in between
            self.launch()
            said = self.wait_up()
            if said is None:
                return self
            if "could not bind" not in said:
                break
            self.ports = free_ports(3)
        self.stop()
        raise AssertionError("httpd does not run:\n" + said)

    def launch(self):
        self.log.begin()
        how = "-X" if SANITIZER == "tsan" else "-DFOREGROUND"
        with open(self.root / "stderr.log", "wb") as err:
            self.process = subprocess.Popen(
                self.command(how), env={**environment(), **self.env},
                stderr=err,
                stdout=err, stdin=subprocess.DEVNULL, cwd=self.root,
                start_new_session=True)  # prefork signals its whole group

    def wait_up(self):
        """None when it serves, else what it said."""
        deadline = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.announced() and self.accepts():
                return None
            time.sleep(0.01)
        return (self.root / "stderr.log").read_text() + \
            "\n".join(self.log.lines())

    def announced(self):
        """Ours has the port (httpd -X never says so)."""
        return SANITIZER == "tsan" or any(
            "resuming normal operations" in line
            for line in self.log.lines(self.log.mark))

    def accepts(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def graceful(self, wait=True):
        """SIGUSR1; waits until the new generation is announced."""
        start = self.log.path.stat().st_size
        self.process.send_signal(signal.SIGUSR1)
        if wait:
            self.log.wait("resuming normal operations", start, timeout=20)

    def children(self):
        """Pids of the processes that serve (CGI's daemon not loaded)."""
        return children_of(self.pid)

    def stop(self):
        if self.process and self.process.poll() is None:
            # event's children may crash when they are stopped while a worker
            # ends a connection: httpd's own race, and nothing of ours
            time.sleep(0.05)
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self in LIVE:
            LIVE.remove(self)

    def complaints(self):
        if SANITIZER == "tsan":
            # httpd -X tidies up as www-data, and closes under its own threads:
            # a race counts when its summary names a source, thus ours
            self.log.allow("AH01240", "AH00468", "WARNING: ThreadSanitizer",
                           r"SUMMARY: ThreadSanitizer: [\w ]+ \(/")
        bad = self.log.complaints()
        errors = self.root / "stderr.log"
        if errors.exists():
            bad += ErrorLog(errors).complaints()
        return bad

    def remove(self):
        """The folder goes, unless a child left its core there."""
        if not os.environ.get("FCACHE_KEEP") and \
                not any(self.root.glob("core*")):
            shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        bad = self.complaints()
        self.remove()
        assert not bad, "error log:\n" + "\n".join(bad)

    # ---- what tests do with it

    def get(self, target, headers=(), **knobs):
        return client.fetch(self.port, target, headers=headers, **knobs)

    def wait_stored(self, target):
        """Until it is found in the store; does not ask the origin."""
        probe = {"Cache-Control": "only-if-cached"}
        wait_for(lambda: self.get(target, probe).status != 504, target)

    def head(self, target, headers=(), **knobs):
        return client.fetch(self.port, target, "HEAD", headers, **knobs)

    def post(self, target, body=b"", headers=(), method="POST", **knobs):
        return client.fetch(self.port, target, method, headers, body, **knobs)

    def connect(self, **knobs):
        return client.Connection(self.port, **knobs)

    def file(self, name, content, mode=0o644):
        """A file below htdocs."""
        path = self.root / "htdocs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.as_bytes(content))
        path.chmod(mode)
        return path

    def users(self, **passwords):
        """{root}/users for AuthUserFile."""
        path = self.root / "users"
        path.write_text("".join(
            f"{name}:{{SHA}}{sha1(word)}\n"
            for name, word in passwords.items()))
        path.chmod(0o644)

    def fcachectl(self, *words, store="default", url=None):
        """fcachectl on this server's memory store, or on the store of that URL:
        status and output."""
        url = url or f"memory:{store}?pid={self.pid}"
        env = {"PATH": os.environ["PATH"]}
        if SANITIZER == "asan":
            env["ASAN_OPTIONS"] = "detect_leaks=0"
        done = subprocess.run([str(BUILD / "fcachectl"), "-s", url, *words],
                              stdout=subprocess.PIPE, check=False, env=env,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode()

    def stats(self, store="default"):
        code, text = self.fcachectl("--json", "stats", store=store)
        assert code == 0, text
        return json.loads(text)


def sha1(text):
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


def children_of(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if int(parent) == pid and state != "Z":
            found.append(int(entry.name))
    return sorted(found)
