# SPDX-License-Identifier: Apache-2.0
"""A wire that can be cut: a TCP relay between httpd and a real store, whose
behaviour a test changes while connections are open. A fault is a function that
sets the fields of a Link; heal() sets them back."""
import contextlib
import select
import socket
import struct
import threading
import time

CHUNK = 65536
CLOSING = threading.Lock()


class Link:
    """Relays to ("127.0.0.1", port)."""

    def __init__(self, port, tls=None):
        self.upstream = ("127.0.0.1", port)
        self.tls = tls  # an ssl.SSLContext: the store's side is plain
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.open = set()
        self.accepted = 0
        self.stopping = False
        self.heal(cut=False)
        threading.Thread(target=self.accept, daemon=True).start()

    # ---- what a fault may set

    def heal(self, cut=True):
        self.accepting = True     # False: connections wait in the backlog
        self.silent = False       # requests arrive, nothing comes back
        self.handshake = True     # False: TLS is never answered
        self.change = None        # reply bytes -> list of pieces, None to cut
        self.delay = 0            # seconds before each reply
        self.pause = 0            # seconds between pieces
        self.canned = None        # request bytes -> reply, nothing upstream
        self.edit = None          # request bytes -> what the store gets
        if cut:
            self.cut()

    def cut(self, reset=False):
        """Ends all connections, by RST if so."""
        with self.lock:
            ends, self.open = self.open, set()
        for end in ends:
            with contextlib.suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
                else:
                    end.shutdown(socket.SHUT_RDWR)
            close(end)

    def refuse(self, cut=True):
        """Nobody listens any more."""
        close(self.listener)
        if cut:
            self.cut()

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port),
                                             backlog=128)
        threading.Thread(target=self.accept, daemon=True).start()

    def stop(self):
        self.stopping = True
        close(self.listener)
        self.cut()

    # ---- relaying

    def accept(self):
        listener = self.listener
        while not self.stopping:
            try:
                if not self.accepting:
                    time.sleep(0.01)
                    continue
                if not select.select([listener], [], [], 0.05)[0]:
                    continue
                if not self.accepting:
                    continue
                client, _ = listener.accept()
            except (OSError, ValueError):
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def serve(self, client):
        with self.lock:
            self.open.add(client)
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self.handshake:
                time.sleep(0.02)
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
                with self.lock:
                    self.open.add(client)
            server = socket.create_connection(self.upstream)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            close(client)
            return
        with self.lock:
            self.open.add(server)
        with contextlib.suppress(OSError, ValueError):
            self.relay(client, server)
        close(client)
        close(server)

    def relay(self, client, server):
        """One thread for both ways: TLS knows no other."""
        while True:
            held = self.tls is not None and client.pending()
            ready = [client] if held else \
                select.select([client, server], [], [])[0]
            for end in ready:
                data = end.recv(CHUNK)
                if not data:
                    return
                if end is client:
                    self.request(data, client, server)
                elif not self.reply(data, client):
                    return

    def request(self, data, client, server):
        if self.canned is not None:
            client.sendall(self.canned(data))
        elif not self.silent:
            server.sendall(self.edit(data) if self.edit else data)

    def reply(self, data, client):
        """False: the connection ends here."""
        if self.silent:
            return True
        if self.delay:
            time.sleep(self.delay)
        for piece in self.change(data) if self.change else [data]:
            if piece is None:
                return False
            client.sendall(piece)
            if self.pause:
                time.sleep(self.pause)
        return True


def close(end):
    """One at a time: between the two steps the number of a socket that another
    thread closes may become that of a new one."""
    with CLOSING:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            end.close()
