# SPDX-License-Identifier: Apache-2.0
"""The faults F1 to F31 that a Link or a server can be made to have. Each is a
function of the kind, and says whether the store still answers (`works`)."""
import dataclasses
import itertools
import socket
import threading
import typing


@dataclasses.dataclass
class Fault:
    name: str
    begin: typing.Callable      # of the Kind
    end: typing.Callable = None  # beside healing the link
    works: bool = False         # the store still answers: hits are wanted
    seconds: float = 1.2        # how long it lasts


def refused(kind):
    kind.link.refuse()


def listen_again(kind):
    kind.link.listen()


FILLERS = []


def black_hole(kind):
    """A backlog that is full: SYNs are dropped."""
    kind.link.refuse()
    hole = socket.socket()
    hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    hole.bind(("127.0.0.1", kind.link.port))
    hole.listen(0)
    FILLERS.append(hole)
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", kind.link.port))
        FILLERS.append(filler)


def end_black_hole(kind):
    while FILLERS:
        FILLERS.pop().close()
    kind.link.listen()


def silent(kind):
    kind.link.silent = True


def reset_inside(kind):
    def change(data):
        kind.link.cut(reset=True)
        return [data[:len(data) // 2], None]
    kind.link.change = change


def end_at_every_byte(kind):
    places = itertools.count()
    kind.link.change = lambda data: [data[:next(places) % max(len(data), 1)],
                                     None]


def slow_drip(kind):
    kind.link.change = single_bytes
    kind.link.pause = 0.1


def single_bytes(data):
    return [data[i:i + 1] for i in range(len(data))]


def in_single_bytes(kind):
    kind.link.change = single_bytes


def reply_of_before(kind):
    last = [b""]

    def change(data):
        last[0], before = data, last[0]
        return [before]
    kind.link.change = change


def reply_twice(kind):
    kind.link.change = lambda data: [data, data]


def wrong(replies):
    turn = itertools.cycle(replies)

    def begin(kind):
        kind.link.canned = lambda request: next(turn)
    return begin


def late(seconds):
    def begin(kind):
        kind.link.delay = seconds
    return begin


def flapping(kind):
    """A second away, a second there."""
    kind.flaps = threading.Event()

    def flap():
        while not kind.flaps.wait(1):
            kind.link.refuse()
            over = kind.flaps.wait(1)
            kind.link.listen()
            if over:
                break
    kind.flapper = threading.Thread(target=flap)
    kind.flapper.start()


def end_flapping(kind):
    kind.flaps.set()
    kind.flapper.join()


def crowded(kind):
    """The server takes no more clients: the only one there may be is this."""
    kind.only = kind.connect()
    kind.call_on(kind.only, "CONFIG", "SET", "maxclients", "1")
    kind.link.cut()


def end_crowded(kind):
    kind.call_on(kind.only, "CONFIG", "SET", "maxclients", "10000")
    kind.only.close()


def restarted(kind):
    kind.restart()
    kind.link.cut()


def emptied(kind):
    kind.flush()


def faults(kind):
    yield Fault("F1 refused", refused, listen_again)
    yield Fault("F2 black hole", black_hole, end_black_hole)
    yield Fault("F4 accepts, then silent", silent)
    yield Fault("F6 reset inside of a reply", reset_inside)
    yield Fault("F7 ends at every byte of a reply", end_at_every_byte)
    yield Fault("F8 a byte each 100 ms", slow_drip)
    yield Fault("F9 replies in single bytes", in_single_bytes, works=True)
    yield Fault("F15 reply of the one before", reply_of_before)
    yield Fault("F16 each reply twice", reply_twice)
    for name, replies in (*kind.wrong_replies.items(), *kind.errors.items()):
        yield Fault(name, wrong(replies))
    yield Fault("F26 restarted under load", restarted, works=True)
    yield Fault("F27 away every other second", flapping, end_flapping,
                seconds=6)
    if kind.name == "redis":
        yield Fault("F29 too many clients", crowded, end_crowded)
    yield Fault("F28 20 ms late", late(0.02), works=True)
    yield Fault("F28 100 ms late", late(0.1))
    yield Fault("F28 2000 ms late", late(2))
    yield Fault("F31 emptied", emptied, works=True)
