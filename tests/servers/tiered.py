# SPDX-License-Identifier: Apache-2.0
"""Tiers of memory and a real server."""
from urllib.parse import quote

from . import redis


def on_redis(folder):
    for url in redis.standalone(folder):
        yield f"tiered:?l1=memory:{quote('?size=16M')}&l2={quote(url)}"


KINDS = {"tiered-redis": on_redis}
