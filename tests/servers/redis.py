# SPDX-License-Identifier: Apache-2.0
"""Redis servers."""
from . import Process, free_ports


def standalone(folder):
    port, = free_ports(1)
    with Process(["redis-server", "--port", port, "--bind", "127.0.0.1",
                  "--save", "", "--dir", folder], folder,
                 ("127.0.0.1", port)):
        yield f"redis://127.0.0.1:{port}"


KINDS = {"redis": standalone}
