# SPDX-License-Identifier: Apache-2.0
"""All kinds of stores that faults are tried on."""
import contextlib

from kind import Memcached, Pair, Redis, Tiered
from kind_dynamodb import DynamoDB

KINDS = {kind.name: kind
         for kind in (Redis, Memcached, DynamoDB, Tiered, Pair)}


@contextlib.contextmanager
def started(name, folder, way="tcp"):
    kind = KINDS[name](folder, way)
    try:
        yield kind
    finally:
        kind.stop()
