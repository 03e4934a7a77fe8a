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

    def refuse(self):
        """Nobody listens any more."""
        close(self.listener)
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
        threading.Thread(target=self.replies, args=(server, client),
                         daemon=True).start()
        self.requests(client, server)

    def requests(self, client, server):
        with contextlib.suppress(OSError, ValueError):
            while data := client.recv(CHUNK):
                if self.canned is not None:
                    client.sendall(self.canned(data))
                elif not self.silent:
                    server.sendall(data)
        close(client)
        close(server)

    def replies(self, server, client):
        with contextlib.suppress(OSError, ValueError):
            while data := server.recv(CHUNK):
                if self.silent:
                    continue
                if self.delay:
                    time.sleep(self.delay)
                pieces = self.change(data) if self.change else [data]
                for piece in pieces:
                    if piece is None:
                        close(client)
                        return
                    client.sendall(piece)
                    if self.pause:
                        time.sleep(self.pause)
        close(client)
        close(server)


def close(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        end.close()
