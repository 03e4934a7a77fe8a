# SPDX-License-Identifier: Apache-2.0
"""An example API, slow on purpose, with the kinds of answer a cache meets.

    uvicorn --app-dir docker/api app:app --port 8000

Every answer carries `served`, a number that grows with each answer of this
process: two equal numbers are one answer, seen twice.
"""
import asyncio
import hashlib
import itertools
import json
import os

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

SLOW_S = float(os.environ.get("API_DELAY_S", "0.3"))
ITEMS = [{"id": number, "name": f"item {number}", "price": number * 7 % 100}
         for number in range(1, 101)]

app = FastAPI(title="Example API", version="1.0")
served = itertools.count(1)


def answer(content, status=200, **fields):
    fields = {name.replace("_", "-"): value for name, value in fields.items()}
    return JSONResponse({"served": next(served), **content}, status, fields)


@app.get("/health")
async def health():
    """For load balancers: never stored."""
    return answer({"ok": True}, Cache_Control="no-store")


@app.get("/items")
async def list_items(request: Request):
    """A slow list, the same for all: fresh for a minute. Its entity tag is of
    the content only, so that a client's copy stays good."""
    etag = '"' + hashlib.sha256(json.dumps(ITEMS).encode()).hexdigest()[:16] + '"'
    await asyncio.sleep(SLOW_S)
    fields = {"Cache-Control": "max-age=60", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=fields)
    return JSONResponse({"served": next(served), "items": ITEMS},
                        headers=fields)


@app.get("/items/{number}")
async def one_item(number: int, request: Request):
    """One item, and the query it was asked for with; or a 404 without a lifetime
    of its own."""
    await asyncio.sleep(SLOW_S)
    if not 1 <= number <= len(ITEMS):
        return answer({"error": "no such item"}, 404)
    return answer({"item": ITEMS[number - 1], "query": request.url.query},
                  Cache_Control="max-age=60")


@app.get("/me")
async def me(request: Request):
    """A user's own page: private, so no shared cache may keep it."""
    await asyncio.sleep(SLOW_S)
    user = (request.headers.get("authorization", "").partition(" ")[2]
            or request.cookies.get("user"))
    if not user:
        return answer({"error": "who are you?"}, 401,
                      Cache_Control="no-store", WWW_Authenticate="Bearer")
    return answer({"user": user}, Cache_Control="private, max-age=60")


@app.post("/search")
async def search(request: Request):
    """A slow search by POST: equal bodies have equal answers."""
    await asyncio.sleep(SLOW_S)
    try:
        wanted = str(json.loads(await request.body())["q"])
    except (ValueError, KeyError, TypeError):
        return answer({"error": 'send {"q": "text"}'}, 400)
    found = [item for item in ITEMS if wanted in item["name"]]
    return answer({"q": wanted, "found": found})


@app.get("/error")
async def error():
    """A failure: an error must not be kept."""
    return answer({"error": "something broke"}, 500)


@app.get("/plain")
async def plain():
    """Says nothing about caching at all."""
    await asyncio.sleep(SLOW_S)
    return answer({"text": "no cache headers here"})
