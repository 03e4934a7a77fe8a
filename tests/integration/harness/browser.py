# SPDX-License-Identifier: Apache-2.0
"""Chromium without a screen, driven by the WebDriver protocol (W3C)."""
import base64
import json
import subprocess
import time
import urllib.error
import urllib.request

from servers import free_ports

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", "--no-proxy-server", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-quic"]


class Browser:
    """One window. `dark`: it prefers dark colours."""

    def __init__(self, size=(1100, 1400), dark=False):
        port, = free_ports(1)
        self.base = f"http://127.0.0.1:{port}"
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        flags = FLAGS + [f"--window-size={size[0]},{size[1]}"]
        if dark:
            flags += ["--force-dark-mode",
                      "--blink-settings=preferredColorScheme=0"]
        try:
            self.wait(lambda: self.call("GET", "/status")["ready"])
            self.base += "/session/" + self.call("POST", "/session", {
                "capabilities": {"alwaysMatch": {
                    "goog:chromeOptions": {"args": flags},
                    "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]
        except BaseException:
            self.driver.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(20)

    def call(self, method, path, what=None):
        body = None if method in ("GET", "DELETE") else json.dumps(what or {})
        request = urllib.request.Request(
            self.base + path, body and body.encode(), method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What a function with that body returns in the page."""
        return self.call("POST", "/execute/sync",
                         {"script": script, "args": list(arguments)})

    def complaints(self):
        """What the page wrote to the console as a warning or an error."""
        return [entry["message"] for entry in
                self.call("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    @staticmethod
    def wait(condition, seconds=30):
        """Until it is true; what it gave."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                got = condition()
            except (OSError, urllib.error.URLError):
                got = None
            if got:
                return got
            assert time.monotonic() < deadline, "the page never got there"
            time.sleep(0.05)
