# SPDX-License-Identifier: Apache-2.0
"""Where a run takes place: directories, ports, processes, the origin."""

import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


def stat_fields(pid):
    """/proc/PID/stat from the state on, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(") ")[2].split()
    except OSError:
        return None


def tree(root):
    """A process and all that descend from it."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = stat_fields(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(int(pid))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def cpu_us(pids):
    """User and system time of the processes, ended threads included."""
    fields = filter(None, map(stat_fields, pids))
    return sum(int(f[11]) + int(f[12]) for f in fields) * TICK_US


def busy_us():
    """What all cores did that was not idling, stolen time included."""
    with open("/proc/stat", encoding="utf-8") as file:
        t = [int(x) for x in file.readline().split()[1:]]
    return (t[0] + t[1] + t[2] + sum(t[5:8])) * TICK_US


class Place:
    """Directories and processes of a run; leaving the context removes both."""

    def __init__(self, options):
        self.sizes = options.bodies
        self.threads = options.threads
        self.httpd_extra = options.httpd_extra
        self.user = "nobody" if os.geteuid() == 0 else None
        self.origin_port = options.port
        self.server_cores, self.client_cores = options.pin
        self.workers = (len(self.server_cores) if self.server_cores
                        else os.cpu_count())
        self.keep = options.keep
        self.ports = {}
        self.stores = {}  # name: port
        self.running = []

    def __enter__(self):
        shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.work = tempfile.mkdtemp(prefix="fcache-bench-")
        os.chmod(self.work, 0o755)
        self.cache = tempfile.mkdtemp(prefix="fcache-bench-", dir=shm)
        os.chmod(self.cache, 0o755)
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.cache, ignore_errors=True)
        if self.keep:
            print(f"# configurations and logs: {self.work}")
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def directory(self, *parts):
        """A directory that a server may write as another user."""
        path = os.path.join(*parts)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o777)
        return path

    def port(self, name):
        return self.ports.setdefault(
            name, self.origin_port + 1 + len(self.ports))

    def fill(self, name, parts, values, extra=""):
        """Writes NAME.conf from conf/PART.conf.in with @VALUE@ replaced."""
        values = dict(values, NAME=stem(name), PORT=self.port(name),
                      WORK=self.work, CACHE=self.cache,
                      ORIGIN_PORT=self.origin_port,
                      TEMP=self.directory(self.work, stem(name) + "-temp"))
        text = ""
        for part in parts:
            with open(f"{HERE}/conf/{part}.conf.in", encoding="utf-8") as file:
                text += file.read()
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        path = f"{self.work}/{stem(name)}.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + extra + "\n")
        return path

    def start(self, name, argv, cores, user=None):
        """Starts a server that stays in the foreground."""
        pin = (lambda: os.sched_setaffinity(0, cores)) if cores else None
        groups = [] if user else None
        with open(f"{self.work}/{stem(name)}.out", "ab") as out:
            server = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=out, preexec_fn=pin,
                                      user=user, extra_groups=groups)
        self.running.append(server)
        return server

    def last_words(self, name):
        """The end of what a server wrote to its log and its output."""
        lines = []
        for suffix in ("err", "out"):
            try:
                with open(f"{self.work}/{stem(name)}.{suffix}",
                          encoding="utf-8", errors="replace") as file:
                    lines += file.read().splitlines()[-5:]
            except OSError:
                pass
        return "\n".join(lines)

    def stop(self, server=None):
        """Ends one server or all, with all that they started."""
        ending = [server] if server else self.running
        pids = [pid for one in ending for pid in tree(one.pid)]
        for one in ending:
            one.terminate()
        deadline = time.monotonic() + 60
        while any(map(alive, pids)):
            for one in ending:
                one.poll()
            if time.monotonic() > deadline:
                for pid in filter(alive, pids):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        self.running = [one for one in self.running if one not in ending]

    def start_origin(self, nginx):
        bodies = self.directory(self.work, "bodies")
        for size in self.sizes:
            with open(f"{bodies}/{size}.json", "w", encoding="utf-8") as file:
                file.write(document(size))
        conf = self.fill("origin", ["origin"], {"BODIES": bodies})
        self.start("origin", [nginx, "-p", self.work, "-c", conf,
                              "-e", f"{self.work}/origin.err"], None)
        wait_for(self.origin_port, "/stat")

    def origin_requests(self):
        """Requests the origin has seen, this one included."""
        return int(get(self.origin_port, "/stat")[1].split()[9])


def stem(name):
    """A system's name as part of a file's: NAME@DIRECTORY has slashes."""
    return name.replace("/", "_")


def alive(pid):
    fields = stat_fields(pid)
    return fields is not None and fields[0] != "Z"


def document(size):
    """JSON of exactly size bytes (at least 21)."""
    rows = ""
    while True:
        row = '{"id":%d,"name":"item","price":12.5},' % rows.count("id")
        if len(rows) + len(row) + 23 > size:
            break
        rows += row
    text = '{"items":[' + rows.rstrip(",") + '],"pad":"%s"}'
    return text % ("x" * (size - len(text) + 2))


def get(port, path):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


def wait_for(port, path, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if get(port, path)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"no answer at 127.0.0.1:{port}{path}")
