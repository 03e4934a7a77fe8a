# SPDX-License-Identifier: Apache-2.0
"""The faults F1 to F31 that a Link or a server can be made to have, on each kind of
store that can have it, and why the others cannot."""
import dataclasses
import itertools
import re
import socket
import subprocess
import threading
import time
import typing

from harness.httpd import BUILD

from measure import BACK_S


# Two of its probes have met a second in which it was away.
NEXT_PROBE_S = 4


def nothing(_):
    pass


@dataclasses.dataclass
class Fault:
    """Its three functions take the Stand."""
    name: str
    begin: typing.Callable = nothing    # while clients ask
    end: typing.Callable = nothing      # beside healing the link
    prepare: typing.Callable = nothing  # before they ask
    works: bool = False   # the store still answers: hits are wanted
    opens: bool = False   # the breaker has to
    waits: bool = False   # it is noticed by a deadline only
    seconds: float = 0    # how long it lasts before the breaker is looked at
    back_s: float = 0     # how soon all is well after it, else BACK_S
    way: str = "tcp"

    def of(self, kind):
        """With the times that it takes on that kind."""
        until_open_s = 0.1 + 2e-3 * (kind.worst_ms if self.waits else 100)
        return dataclasses.replace(
            self, back_s=self.back_s or BACK_S,
            seconds=self.seconds or (0.6 if self.works else until_open_s))


# ---- connections -------------------------------------------------------------

FILLERS = []


def refused(stand):
    stand.kind.link.refuse()


def listen_again(stand):
    stand.kind.link.listen()


def fill_backlog(stand):
    """SYNs are dropped from now on."""
    hole = socket.socket()
    hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    hole.bind(("127.0.0.1", stand.kind.link.port))
    hole.listen(0)
    FILLERS.append(hole)
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", stand.kind.link.port))
        FILLERS.append(filler)


def black_hole(stand):
    stand.kind.link.refuse()
    fill_backlog(stand)


def end_black_hole(stand):
    while FILLERS:
        FILLERS.pop().close()
    stand.kind.link.listen()


def peer_gone(stand):
    """Its connections are open, and nobody is there."""
    stand.kind.link.silent = True
    stand.kind.link.refuse(cut=False)
    fill_backlog(stand)


def silent(stand):
    stand.kind.link.silent = True


def flapping(stand):
    """A second away, a second there."""
    stand.flaps = threading.Event()

    def flap():
        while True:
            stand.kind.link.refuse()
            over = stand.flaps.wait(1)
            stand.kind.link.listen()
            if over or stand.flaps.wait(1):
                break
    stand.flapper = threading.Thread(target=flap)
    stand.flapper.start()


def end_flapping(stand):
    stand.flaps.set()
    stand.flapper.join()


def crowded(stand):
    """The server takes no more clients."""
    stand.crowd = stand.kind.crowd()
    stand.kind.link.cut()


def end_crowded(stand):
    stand.kind.uncrowd(stand.crowd)
    for client in stand.crowd:
        client.close()


# ---- names -------------------------------------------------------------------

def name_becomes(text):
    def change(stand):
        stand.name_is(text)
    return change


def started_without_name(text):
    def prepare(stand):
        stand.name_is(text)
        stand.restart()
    return prepare


def name_is_back(stand):
    stand.name_is("127.0.0.1")


# ---- TLS ---------------------------------------------------------------------

def shows(which):
    def begin(stand):
        stand.kind.link.tls = stand.kind.certificates.bad[which]
        stand.kind.link.cut()
    return begin


def shows_good(stand):
    stand.kind.link.tls = stand.kind.certificates.good


def no_handshake(stand):
    stand.kind.link.handshake = False
    stand.kind.link.cut()


# ---- replies -----------------------------------------------------------------

def changed(make):
    """`make` gives what changes replies."""
    def begin(stand):
        stand.kind.link.change = make(stand.kind.link)
    return begin


def reset_inside(link):
    def change(data):
        link.cut(reset=True)
        return [data[:len(data) // 2], None]
    return change


def end_at_every_byte(_):
    places = itertools.count()
    return lambda data: [data[:next(places) % max(len(data), 1)], None]


def in_single_bytes(_):
    return lambda data: [data[i:i + 1] for i in range(len(data))]


def drip(seconds):
    def begin(stand):
        stand.kind.link.change = in_single_bytes(stand.kind.link)
        stand.kind.link.pause = seconds
    return begin


def reply_of_before(_):
    last = [b""]

    def change(data):
        last[0], before = data, last[0]
        return [before]
    return change


def reply_twice(_):
    return lambda data: [data, data]


def flip_bits(_):
    """Each reply has one bit the other way round, each time another one."""
    turn = itertools.count(0, 7)

    def change(data):
        place = next(turn) % (len(data) * 8)
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        return [bytes(flipped)]
    return change


def some_again_after(seconds):
    """One reply in twenty has to be sent again, as if a packet had been lost."""
    def make(_):
        turn = itertools.count()

        def change(data):
            if next(turn) % 20 == 0:
                time.sleep(seconds)
            return [data]
        return change
    return changed(make)


def wrong(replies):
    turn = itertools.cycle(replies)

    def begin(stand):
        stand.kind.link.canned = lambda request: next(turn)
    return begin


def late(seconds):
    def begin(stand):
        stand.kind.link.delay = seconds
    return begin


# ---- what is stored ----------------------------------------------------------

def other_entries(stand):
    """Who asks for an entry gets another one, under the name asked for."""
    names = [name.encode() for name in sorted(stand.kind.entries())]
    there = dict(zip(names, names[1:] + names[:1]))
    back = {other: name for name, other in there.items()}
    pattern = re.compile(b"|".join(map(re.escape, names)))
    asked = [False]

    def edit(request):
        asked[0] = stand.kind.reads(request)
        return pattern.sub(lambda found: there[found[0]], request) \
            if asked[0] else request

    def change(reply):
        return [pattern.sub(lambda found: back[found[0]], reply)
                if asked[0] else reply]
    stand.kind.link.edit, stand.kind.link.change = edit, change


def keep_old_entries(stand):
    """All is cleared and has another content; what was stored is put back again
    and again."""
    kind = stand.kind
    old = {name: value for name in kind.entries()
           if (value := kind.get(name)) is not None}  # locks go
    subprocess.run([str(BUILD / "fcachectl"), "-s", kind.direct_url(), "clear",
                    "--all"], check=True, capture_output=True)
    for name in stand.hot():
        stand.edit(name)
    stand.over = threading.Event()

    def put_back():
        while not stand.over.wait(0.02):
            for name, value in old.items():
                kind.set(name, value)
    stand.putter = threading.Thread(target=put_back)
    stand.putter.start()


def end_old_entries(stand):
    stand.over.set()
    stand.putter.join()


def killed(stand):
    stand.kind.server.kill()
    stand.kind.link.cut()


def emptied(stand):
    stand.kind.flush()


def evicted(stand):
    """Every second thing that is there, clocks and counters too."""
    stand.kind.remove(*sorted(stand.kind.names())[::2])


# ---- all of them -------------------------------------------------------------

def of_names():
    yield Fault("F3 no name at start", prepare=started_without_name("fail"),
                end=name_is_back, way="name")
    yield Fault("F3 the name hangs at start", end=name_is_back, way="name",
                prepare=started_without_name("hang"))
    yield Fault("F3 the name goes", name_becomes("fail"), name_is_back,
                works=True, seconds=1.5, way="name")
    yield Fault("F3 the name hangs", name_becomes("hang"), name_is_back,
                works=True, seconds=1.5, way="name")


def of_connections():
    yield Fault("F1 refused", refused, listen_again, opens=True)
    yield Fault("F2 black hole", black_hole, end_black_hole, opens=True,
                waits=True)
    yield Fault("F4 accepts, then silent", silent, opens=True, waits=True)
    yield Fault("F5 peer gone", peer_gone, end_black_hole, opens=True,
                waits=True)


def of_replies(kind):
    yield Fault("F6 reset inside of a reply", changed(reset_inside), opens=True)
    yield Fault("F7 ends at every byte of a reply", changed(end_at_every_byte),
                opens=True)
    yield Fault("F8 a byte each 100 ms", drip(0.1))
    yield Fault("F8 a byte each 10 ms", drip(0.01))
    yield Fault("F9 replies in single bytes", changed(in_single_bytes),
                works=True)
    yield Fault("F15 reply of the one before", changed(reply_of_before))
    yield Fault("F16 each reply twice", changed(reply_twice))
    yield Fault("F17 entries of other keys", prepare=other_entries)
    yield Fault("F18 entries of before a clear", prepare=keep_old_entries,
                end=end_old_entries)
    yield Fault("F19 a bit of each reply", changed(flip_bits))
    for name, replies in (*kind.replies.items(), *kind.errors.items()):
        yield Fault(name, wrong(replies))


def of_tls():
    for which in ("expired", "of another host", "of an unknown authority"):
        yield Fault(f"F25 {which}", shows(which), shows_good, opens=True,
                    way="tls")
    yield Fault("F25 no handshake", no_handshake, opens=True, waits=True,
                way="tls")


def of_servers(kind):
    yield Fault("F26 killed under load", killed,
                lambda stand: stand.kind.restart(), opens=True)
    yield Fault("F27 away every other second", flapping, end_flapping,
                seconds=4, back_s=NEXT_PROBE_S)
    yield Fault("F28 20 ms late", late(0.02), works=True)
    yield Fault("F28 45 ms late", late(0.045))
    yield Fault("F28 100 ms late", late(0.1))
    yield Fault("F28 2000 ms late", late(2), opens=True, waits=True)
    if "F29" not in NOT[kind.name]:
        yield Fault("F29 too many clients", crowded, end_crowded, opens=True,
                    waits=True)
    yield Fault("F31 emptied", emptied, works=True)
    yield Fault("F31 every second thing evicted", evicted, works=True)
    yield Fault("F31 one packet in 20 lost", some_again_after(0.2), works=True)


def faults(kind):
    yield from of_connections()
    yield from of_replies(kind)
    yield from of_servers(kind)
    if "F3" not in NOT[kind.name]:
        yield from of_names()
    if "F25" not in NOT[kind.name]:
        yield from of_tls()


# What has cells in other files, on which kinds.
FORGED = ("F19 each bit of an entry", "F20 each length of an entry",
          "F21 entries of a newer version")
LOST_MASTER = "F30 a master dies"
ELSEWHERE = {"redis": (*FORGED, LOST_MASTER), "memcached": FORGED,
             "dynamodb": FORGED, "tiered": (), "memcached-2": ()}

NOT = {
    "redis": {"F23": "Memcached's errors", "F24": "DynamoDB's errors"},
    "memcached": {"F22": "Redis' errors", "F24": "DynamoDB's errors",
                  "F29": "a full server leaves new clients in its backlog: F4",
                  "F30": "nothing takes over from a server"},
    "dynamodb": {
        "F22": "Redis' errors", "F23": "Memcached's errors",
        "F29": "the service takes any number of clients, and throttles: F24",
        "F30": "no replica is read: all reads are consistent"},
    "tiered": {
        "F3": "as redis: only L2 connects", "F20": "as redis, which reads it",
        "F21": "as redis, which reads it", "F23": "Memcached's errors",
        "F24": "DynamoDB's errors", "F25": "as redis: only L2 connects",
        "F30": "as redis: only L2 has masters"},
    "memcached-2": {
        "F3": "as memcached: each server has a name",
        "F20": "as memcached, which reads it",
        "F21": "as memcached, which reads it", "F22": "Redis' errors",
        "F23": "as memcached", "F24": "DynamoDB's errors",
        "F25": "as memcached: each server is connected to by itself",
        "F29": "a full server leaves new clients in its backlog: F4",
        "F30": "nothing takes over for good: F1, F26"},
}
