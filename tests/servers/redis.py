# SPDX-License-Identifier: Apache-2.0
"""Redis servers: one by TCP, by a unix socket, by TLS for a user with few rights,
a cluster, and a master with its replica and sentinels."""
import base64
import contextlib
import os
import subprocess
from pathlib import Path

from . import PATIENT, Process, free_ports, wait_for

HOST = "127.0.0.1"

# What docs/redis.md tells to allow, with the prefixes of the tests.
USER = ("user", "fcache", "on", ">pass%word", "~t*:*", "~{fcache}*",
        "resetchannels", "-@all", "+mget", "+set", "+unlink", "+eval", "+get",
        "+incr", "+getrange", "+select", "+scan", "+info")
IN_CLUSTER = (*USER, "+cluster|slots", "+asking")
MOVING_SLOTS = (*IN_CLUSTER, "+cluster|myid", "+cluster|setslot")
WATCHED = (*USER, "+role")
OF_SENTINEL = ("user", "fcache", "on", ">pass%word", "resetchannels", "-@all",
               "+sentinel|get-master-addr-by-name")
LOGIN = "user=fcache&password=pass%25word"


def server(folder, port, *options):
    """A server in a folder of its own, without anything on disk."""
    folder = Path(folder) / f"redis-{port}"
    folder.mkdir()
    return Process(["redis-server", "--port", port, "--bind", HOST,
                    "--save", "", "--dir", folder, *options], folder,
                   (HOST, port))


SLOW_S = 60  # a sentinel answers nothing while the disk takes what it knows


def ask(port, *words):
    """What the server answers to a command."""
    return subprocess.run(["redis-cli", "-h", HOST, "-p", str(port), *words],
                          capture_output=True, text=True, check=True,
                          timeout=SLOW_S).stdout


def standalone(folder):
    port, = free_ports(1)
    with server(folder, port):
        yield f"redis://{HOST}:{port}?{PATIENT}"


def protected(*more):
    """One whose entries are sealed with a secret, each however small packed."""
    def start(folder):
        path = folder / "secrets"
        path.touch(mode=0o600)
        path.write_text("".join(
            base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=") + "\n"
            for _ in range(2)))
        for url in standalone(folder):
            yield "&".join([f"{url}&secret-file={path}&compress=1", *more])
    return start


def unix_socket(folder):
    path = folder / "redis.sock"
    with Process(["redis-server", "--port", "0", "--unixsocket", path,
                  "--save", "", "--dir", folder], folder, str(path)):
        yield f"unix:{path}?db=3&{PATIENT}"


def certificate(folder):
    """A CA's certificate, and one for the server signed by it, with its key."""
    ca, cert, key = (folder / name for name in ("ca.crt", "r.crt", "r.key"))
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    for command in (
            [*new, "-subj", "/CN=fcache test CA", "-keyout",
             folder / "ca.key", "-out", ca],
            [*new, "-subj", "/CN=redis", "-addext",
             f"subjectAltName=IP:{HOST}", "-addext",
             "basicConstraints=critical,CA:FALSE", "-CA", ca, "-CAkey",
             folder / "ca.key", "-keyout", key, "-out", cert]):
        subprocess.run(command, check=True, capture_output=True, timeout=20)
    return ca, cert, key


def tls_acl(folder):
    port, = free_ports(1)
    ca, cert, key = certificate(folder)
    (folder / "users.acl").write_text(
        "user default off\n" + " ".join(USER) + "\n")
    password = folder / "password"
    password.touch(0o600)
    password.write_text("pass%word\n")
    with Process(["redis-server", "--port", "0", "--tls-port", port, "--bind",
                  HOST, "--tls-cert-file", cert, "--tls-key-file", key,
                  "--tls-ca-cert-file", ca, "--tls-auth-clients", "no",
                  "--aclfile", folder / "users.acl", "--save", "",
                  "--dir", folder], folder, (HOST, port)):
        yield (f"rediss://fcache@{HOST}:{port}/1?tls-ca={ca}"
               f"&password-file={password}&{PATIENT}")


def cut_off_replicas(port):
    """What the master takes from now on no replica gets."""
    ask(port, "acl", "setuser", "default", "-psync", "-sync")
    ask(port, "client", "kill", "type", "replica")


class Cluster:
    """Three masters, each with a replica if asked for."""

    def __init__(self, folder, stack, replicas=0, user=IN_CLUSTER):
        count = 3 + 3 * replicas
        ports = free_ports(2 * count)
        self.ports, buses = ports[:count], ports[count:]
        self.servers = {
            port: stack.enter_context(server(
                folder, port, "--cluster-enabled", "yes", "--cluster-port",
                bus, "--" + user[0], *user[1:],
                "--cluster-node-timeout", "1000",
                "--cluster-require-full-coverage", "no",
                "--repl-diskless-sync-delay", "0"))
            for port, bus in zip(self.ports, buses)}
        subprocess.run(["redis-cli", "--cluster", "create",
                        *(f"{HOST}:{port}" for port in self.ports),
                        "--cluster-replicas", str(replicas), "--cluster-yes"],
                       check=True, capture_output=True, timeout=60)
        wait_for(self.is_whole, "the cluster")
        hosts = ",".join(f"{HOST}:{port}" for port in self.ports)
        self.open_url = f"redis://{hosts}?cluster=on"
        self.url = f"{self.open_url}&{LOGIN}"

    def is_whole(self):
        infos = [ask(port, "cluster", "info") for port in self.ports]
        roles = [ask(port, "role") for port in self.ports]
        return (all("cluster_state:ok" in info and
                    f"cluster_known_nodes:{len(self.ports)}" in info
                    for info in infos) and
                sum(role.startswith("master") for role in roles) == 3 and
                all("connected" in role for role in roles
                    if role.startswith("slave")))

    def master_of(self, name, says=None):
        """The port of the master that holds the name's slot, as one says."""
        says = says or self.ports[0]
        slot = int(ask(says, "cluster", "keyslot", name))
        for line in ask(says, "cluster", "nodes").splitlines():
            fields = line.split()
            for span in fields[8:] if "master" in fields[2] else []:
                first, _, last = span.partition("-")
                if int(first) <= slot <= int(last or first):
                    return int(fields[1].split("@")[0].rpartition(":")[2])
        raise LookupError(name)


class Watched:
    """A master, its replica, and three sentinels that watch them."""

    NAME = "fc"

    def __init__(self, folder, stack):
        self.port, self.replica_port, *ports = free_ports(5)
        user = ("--" + WATCHED[0], *WATCHED[1:])
        self.master = stack.enter_context(server(
            folder, self.port, *user, "--repl-diskless-sync-delay", "0"))
        self.replica = stack.enter_context(server(
            folder, self.replica_port, *user, "--replicaof", HOST, self.port))
        wait_for(lambda: "master_link_status:up" in
                 ask(self.replica_port, "info", "replication"), "the replica")
        self.sentinel_ports = ports
        self.sentinels = [stack.enter_context(self.sentinel(folder, port))
                          for port in ports]
        wait_for(self.all_know, "the sentinels", SLOW_S)
        hosts = ",".join(f"{HOST}:{port}" for port in ports)
        self.open_url = f"redis://{hosts}?sentinel={self.NAME}"
        self.url = (f"{self.open_url}&{LOGIN}&sentinel-user=fcache"
                    f"&sentinel-password=pass%25word")

    def sentinel(self, folder, port):
        home = folder / f"sentinel-{port}"
        home.mkdir()
        conf = home / "sentinel.conf"
        conf.write_text(
            f"port {port}\nbind {HOST}\ndir {home}\n{' '.join(OF_SENTINEL)}\n"
            f"sentinel monitor {self.NAME} {HOST} {self.port} 2\n"
            f"sentinel down-after-milliseconds {self.NAME} 500\n"
            f"sentinel failover-timeout {self.NAME} 3000\n")
        return Process(["redis-sentinel", conf], home, (HOST, port))

    def all_know(self):
        for port in self.sentinel_ports:
            words = ask(port, "sentinel", "master", self.NAME).split()
            told = dict(zip(words[::2], words[1::2]))
            if (told.get("num-slaves"), told.get("num-other-sentinels")) != \
                    ("1", "2"):
                return False
        return True

    def master_port(self):
        """As the first sentinel knows it."""
        return int(ask(self.sentinel_ports[0], "sentinel",
                       "get-master-addr-by-name", self.NAME).split()[1])


def cluster(folder):
    with contextlib.ExitStack() as stack:
        yield f"{Cluster(folder, stack).url}&{PATIENT}"


def moving_cluster(folder):
    """Whose user may move slots, too."""
    with contextlib.ExitStack() as stack:
        yield f"{Cluster(folder, stack, user=MOVING_SLOTS).url}&{PATIENT}"


def sentinel(folder):
    with contextlib.ExitStack() as stack:
        yield f"{Watched(folder, stack).url}&{PATIENT}"


KINDS = {
    "redis": standalone,
    "redis-signed": protected(),
    "redis-encrypted": protected("encrypt=on"),
    "redis-unix": unix_socket,
    "redis-tls-acl": tls_acl,
    "redis-cluster": cluster,
    "redis-cluster-moving": moving_cluster,
    "redis-sentinel": sentinel,
}
