# SPDX-License-Identifier: Apache-2.0
"""A flood of purges is not passed on to the store (T20)."""
import json
import threading
import time

CONF = """
<Location /adm>
    SetHandler fcache-admin
    Require local
</Location>
"""
JSON = {"Content-Type": "application/json"}


def test_a_hundred_in_a_second(httpd):
    """Whatever process they come to."""
    answers = []

    def many():
        for _ in range(60):
            answers.append(httpd.post("/adm", b'{"tag": "a"}', JSON))

    clears = httpd.stats()["clears"]
    threads = [threading.Thread(target=many) for _ in range(8)]
    start = time.time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = int(time.time()) - int(start) + 1
    done = [a for a in answers if a.status == 200]
    refused = [a for a in answers if a.status == 429]
    assert len(done) + len(refused) == len(answers) == 480
    assert 100 <= len(done) <= 100 * seconds
    assert httpd.stats()["clears"] - clears == len(done)
    for answer in refused:
        assert answer.get("Retry-After") == "1"
        assert "100 purges" in json.loads(answer.body)["error"]


def test_a_large_order_is_cut(httpd):
    """It says how far it came."""
    order = json.dumps({"tag": [f"t{i}" for i in range(64)]}).encode()
    answers = [httpd.post("/adm", order, JSON) for _ in range(4)]
    cut = [a for a in answers if a.status == 429]
    assert cut
    for answer in cut:
        said = json.loads(answer.body)
        assert "100 purges" in said["error"]
        assert len(said.get("purged", [])) < 64
